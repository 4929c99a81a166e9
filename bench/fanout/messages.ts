/** What the processes of the benchmark tell each other. */

/** A row of the transition log, as every contender sends it. */
export interface Row {
  sequence: number
  cursor: string
  snapshotId: string
  diskId: string
  from: string | null
  to: string
  reason: string | null
  at: string
}

export const CONTENDERS = ['raw', 'gateway', 'gateway-sse', 'yoga', 'mercurius', 'pubsub'] as const
export type Contender = (typeof CONTENDERS)[number]

export type Transport = 'websocket' | 'graphql-ws' | 'sse'

export type ToServer =
  /** For the gateway the rows are in the database already; this is the wake-up. */
  { type: 'publish'; rows: Row[] } | { type: 'cpu' } | { type: 'memory' }

export type FromServer =
  { type: 'ready'; port: number } | { type: 'cpu'; micros: number } | { type: 'memory'; rssBytes: number }

export type ToClient =
  | { type: 'connect'; port: number; transport: Transport; count: number; from: number; perDisk: boolean }
  /** How many messages are expected, since the start. */
  | { type: 'expect'; received: number }
  /** Asks for the times, and whether to record them from now on. */
  | { type: 'times'; record: boolean }

export type FromClient =
  | { type: 'connected' }
  /** All that was expected has come. */
  | { type: 'received' }
  /** When each message came, by connection, in milliseconds since 1970; and how many have come since the start. */
  | { type: 'times'; times: number[][]; received: number }

export const DOCUMENT =
  'subscription { snapshotTransitions { sequence cursor snapshotId diskId from to reason at } }'
export const DOCUMENT_OF_DISK =
  'subscription ($disk: ID!) { snapshotTransitions(filter: { diskId: { eq: $disk } }) { sequence cursor snapshotId diskId from to reason at } }'

export const ACCOUNT = 'acc-localhost'

export function diskOf(index: number): string {
  return `v-bench${String(index).padStart(4, '0')}`
}

export function now(): number {
  return performance.timeOrigin + performance.now()
}
