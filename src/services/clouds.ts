import { setTimeout as pause } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import { CallBudget, type CallPurpose } from '../providers/cloud/call-budget.ts'
import type { Cloud } from '../providers/cloud/cloud.ts'
import { SecretError } from '../providers/cloud/credentials.ts'
import { CloudFault } from '../providers/cloud/faults.ts'
import type { Upstream } from '../providers/cloud/upstream.ts'
import { Refusal } from '../domain/refusal.ts'
import {
  ALL_WELL,
  stateAfter,
  type ConnectionService,
  type Outcome,
  type ShownConnection,
} from './connections.ts'

export interface CloudsOptions {
  connections: Pick<ConnectionService, 'open' | 'note'>
  /** How many requests one connection may make: this many in a second, and twice as many at once. */
  callsPerSecond: number
}

/** How many passing faults in a row make a connection UNREACHABLE: one of a thousand calls is no news. */
const FAULTS_IN_A_ROW = 3

interface Opened {
  connection: ShownConnection
  budget: CallBudget
  clouds: Map<CallPurpose, Cloud>
  /** As it was last noted, here or by another gateway. */
  outcome: Outcome
  faults: number
}

/**
 * The clouds of connections. All that this process asks of one goes through the budget of its connection, and sets the state of
 * that when it changes.
 */
export class Clouds {
  readonly #options: CloudsOptions
  readonly #opened = new Map<string, Opened>()

  constructor(options: CloudsOptions) {
    this.#options = options
  }

  /** The cloud of a connection, as it is now, for calls of one purpose. */
  of(connection: ShownConnection, purpose: CallPurpose): Cloud {
    const opened = this.#open(connection)
    let cloud = opened.clouds.get(purpose)
    if (!cloud) opened.clouds.set(purpose, (cloud = this.#watched(opened, purpose)))
    return cloud
  }

  /** Forgets the connections that no longer exist. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#opened.keys()) if (!ids.has(id)) this.#opened.delete(id)
  }

  #open(connection: ShownConnection): Opened {
    const { state, stateReason, stateSince } = connection
    const known = this.#opened.get(connection.id)
    const outcome = { state, reason: stateReason }
    const hasNewCredentials =
      state === 'UNTRIED' && known?.connection.stateSince.getTime() !== stateSince.getTime()
    if (known && !hasNewCredentials) return Object.assign(known, { connection, outcome })
    const { callsPerSecond } = this.#options
    const budget =
      known?.budget ??
      new CallBudget({
        perSecond: callsPerSecond,
        burst: 2 * callsPerSecond,
        now: () => performance.now(),
      })
    const opened: Opened = { connection, budget, clouds: new Map(), outcome, faults: 0 }
    this.#opened.set(connection.id, opened)
    return opened
  }

  #watched(opened: Opened, purpose: CallPurpose): Cloud {
    const { budget } = opened
    const cloud = this.#options.connections.open(opened.connection, (upstream) =>
      paced(upstream, budget, purpose),
    )
    const noting =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        try {
          const result = await call(...args)
          await this.#note(opened, undefined)
          return result
        } catch (error) {
          await this.#note(opened, error)
          throw error
        }
      }
    return {
      provider: cloud.provider,
      abilities: cloud.abilities,
      listDisks: noting((...args) => cloud.listDisks(...args)),
      listSnapshots: noting((...args) => cloud.listSnapshots(...args)),
      readDisk: noting((...args) => cloud.readDisk(...args)),
      readSnapshot: noting((...args) => cloud.readSnapshot(...args)),
      find: noting((...args) => cloud.find(...args)),
      submit: noting((...args) => cloud.submit(...args)),
      // Credentials that may read disks and snapshots, and no quotas or policies, are good enough.
      quota: (...args) => cloud.quota(...args),
      policies: (...args) => cloud.policies(...args),
      credentialsEnd: (...args) => cloud.credentialsEnd(...args),
    }
  }

  async #note(opened: Opened, error: unknown): Promise<void> {
    const isFault = error instanceof CloudFault || error instanceof SecretError
    if (error !== undefined && !isFault) return
    if (error instanceof CloudFault && error.class === 'THROTTLED')
      opened.budget.throttled(error.retryAfterMs)
    const outcome = isFault ? stateAfter(error) : ALL_WELL
    opened.faults = isFault ? opened.faults + 1 : 0
    if (outcome.state === 'UNREACHABLE' && opened.faults < FAULTS_IN_A_ROW) return
    if (outcome.state === opened.outcome.state && outcome.reason === opened.outcome.reason) return
    opened.outcome = outcome
    try {
      await this.#options.connections.note(opened.connection, outcome)
    } catch (refusal) {
      // It was deleted meanwhile.
      if (!(refusal instanceof Refusal)) throw refusal
    }
  }
}

/** Holds each request back until the budget has a call for it. */
function paced(upstream: Upstream, budget: CallBudget, purpose: CallPurpose): Upstream {
  return async (request, signal) => {
    for (let ms = budget.take(purpose); ms > 0; ms = budget.take(purpose)) {
      await pause(ms, undefined, { signal }).catch(() => undefined)
      signal.throwIfAborted()
    }
    return upstream(request, signal)
  }
}
