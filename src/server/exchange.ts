import type { Socket } from 'node:net'
import type { Context } from '@opentelemetry/api'
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import type { EventStreamResume } from '../graphql/context.ts'
import type { Client } from '../observability/client.ts'
import type { Observer, Transport } from '../observability/observer.ts'
import type { Viewer } from '../services/viewer.ts'
import type { Turn } from './limits/fair-queue.ts'
import type { Budget, Standing } from './limits/rates.ts'
import type { Parameters } from './parameters.ts'

/** What is asked for: an operation of a document that is valid for who asks, and that is paid for. */
export interface Operation {
  document: DocumentNode
  node: OperationDefinitionNode
  parameters: Parameters
}

/** How budgets stand, as far as they were charged. */
export type Standings = Partial<Record<Budget, Standing>>

interface Arrival {
  id: string
  transport: Transport
  client: Client
  /** What it causes goes on in this context, where it is traced. */
  context: Context | undefined
  /** Is told when it ends. */
  observer: Pick<Observer, 'ended'>
  viewer: Viewer | undefined
  connection: object
  from: Socket
  isReadOnly?: boolean
}

/** One request over HTTP, or one operation of a WebSocket, from its arrival to the end of its answer. */
export class Exchange {
  /** Names it in the log, and to the client. */
  readonly id: string
  /** Undefined when the credential of its socket no longer holds. */
  readonly viewer: Viewer | undefined
  /** Operations of one connection take turns. */
  readonly connection: object
  /** The socket that it came by. */
  readonly from: Socket
  /** Whether mutations are refused, as in a GET request. */
  readonly isReadOnly: boolean
  transport: Transport
  readonly client: Client
  readonly context: Context | undefined
  readonly standings: Standings = {}
  /** Set when the gate has admitted it. */
  operation: Operation | undefined
  /** `OK`, or the code of the first error that the client is told. */
  outcome = 'OK'
  readonly arrivedAt = performance.now()
  executedAt = 0
  /** The bytes in which an HTTP request says what it asks for: equal bytes ask for the same. */
  source: Buffer | undefined
  /** What the operation costs, and how the budget of points stands after it. */
  cost: { requested: number; standing: Standing } | undefined
  /** Since when what it reads may be out of date; undefined when it is current. */
  staleSince: Date | undefined
  /** Of a subscription: gives back its place among the streams of the account. */
  leaveStream: (() => void) | undefined
  /** Of a subscription over server-sent events. */
  eventStream: EventStreamResume | undefined
  readonly #observer: Pick<Observer, 'ended'>
  #turn: Turn | undefined
  #isOver = false

  constructor(arrival: Arrival) {
    const { id, transport, client, context, observer, viewer, connection, from, isReadOnly = false } = arrival
    this.id = id
    this.transport = transport
    this.client = client
    this.context = context
    this.#observer = observer
    this.viewer = viewer
    this.connection = connection
    this.from = from
    this.isReadOnly = isReadOnly
  }

  /** Its turn has come. */
  begin(turn: Turn): void {
    this.#turn = turn
    if (this.#isOver) this.#leave()
  }

  /** It has been executed: another may. */
  executed(): void {
    this.executedAt ||= performance.now()
    this.#turn?.executed()
  }

  /** Its answer has been taken by the client, is a stream, or has nobody who waits for it: the connection may have another. */
  end(): void {
    if (!this.#isOver) {
      this.#isOver = true
      this.executedAt ||= performance.now()
      this.#observer.ended(this)
    }
    this.#leave()
  }

  #leave(): void {
    this.#turn?.executed()
    this.#turn?.answered()
  }
}
