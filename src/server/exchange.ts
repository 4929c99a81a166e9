import type { DocumentNode, OperationDefinitionNode } from 'graphql'
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
  viewer: Viewer | undefined
  connection: object
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
  /** Whether mutations are refused, as in a GET request. */
  readonly isReadOnly: boolean
  readonly standings: Standings = {}
  /** The bytes in which an HTTP request says what it asks for: equal bytes ask for the same. */
  source: Buffer | undefined
  /** What the operation costs, and how the budget of points stands after it. */
  cost: { requested: number; standing: Standing } | undefined
  /** Of a subscription: gives back its place among the streams of the account. */
  leaveStream: (() => void) | undefined
  #turn: Turn | undefined
  #isOver = false

  constructor({ id, viewer, connection, isReadOnly = false }: Arrival) {
    this.id = id
    this.viewer = viewer
    this.connection = connection
    this.isReadOnly = isReadOnly
  }

  /** Its turn has come. */
  begin(turn: Turn): void {
    this.#turn = turn
    if (this.#isOver) this.end()
  }

  /** It has been executed: another may. */
  executed(): void {
    this.#turn?.executed()
  }

  /** Its answer has been taken by the client, is a stream, or has nobody who waits for it: the connection may have another. */
  end(): void {
    this.#isOver = true
    this.#turn?.executed()
    this.#turn?.answered()
  }
}
