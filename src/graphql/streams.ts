import { isSettled, type SnapshotStatus } from '../domain/lifecycle.ts'
import type { EnumFilter } from '../reads/filters.ts'
import type { Transition } from '../transitions/log.ts'
import { percent, type Progress } from '../transitions/progress.ts'
import type { Context } from './context.ts'
import { badUserInput, clientError } from './errors.ts'

export interface TransitionFilter {
  snapshotId?: EnumFilter<string> | null | undefined
  diskId?: EnumFilter<string> | null | undefined
  to?: EnumFilter<SnapshotStatus> | null | undefined
}

export interface ProgressEvent {
  snapshotId: string
  percent: number | null
  copiedBytes: number | null
  totalBytes: number | null
}

/** Every transition of the viewer's account that the filter lets through. */
export async function follow(
  { gateway, viewer }: Context,
  filter: TransitionFilter | null | undefined,
  after: string | null | undefined,
): Promise<AsyncIterable<Transition>> {
  const sequence = await sequenceOf(gateway, after)
  return filtered(gateway.hub.follow(viewer, sequence), (transition) => passes(transition, filter))
}

/** The transitions of one snapshot, to the final one. */
export async function followToEnd(
  { gateway, viewer }: Context,
  snapshotId: string,
  after: string | null | undefined,
): Promise<AsyncIterable<Transition>> {
  const sequence = await sequenceOf(gateway, after)
  const stream = await gateway.hub.followToEnd({ accountId: viewer.accountId, snapshotId }, sequence)
  if (!stream) throw notFound(snapshotId)
  return stream
}

/** The progress of one copy, the latest value winning, until it has ended. */
export async function followProgress(
  { gateway: { progress }, reads }: Context,
  snapshotId: string,
): Promise<AsyncIterable<ProgressEvent>> {
  let changed = Promise.withResolvers<undefined>()
  const stop = progress.watch(snapshotId, () => changed.resolve(undefined))
  const snapshot = await reads.snapshot(snapshotId)
  if (!snapshot) {
    stop()
    throw notFound(snapshotId)
  }
  async function* events(): AsyncGenerator<ProgressEvent> {
    try {
      for (;;) {
        const known = progress.get(snapshotId)
        const row = known ? snapshot : await reads.snapshot(snapshotId)
        yield event(snapshotId, known, row?.status === 'COMPLETED' ? Number(row.dataBytes) : undefined)
        if (!known && (!row || isSettled(row.status))) return
        await changed.promise
        changed = Promise.withResolvers()
      }
    } finally {
      stop()
    }
  }
  const generator = events()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => generator.next(),
      async return() {
        stop()
        changed.resolve(undefined)
        return generator.return(undefined)
      },
    }),
  }
}

function event(
  snapshotId: string,
  known: Progress | undefined,
  completedBytes: number | undefined,
): ProgressEvent {
  if (known) return { snapshotId, percent: percent(known), ...known }
  if (completedBytes === undefined) return { snapshotId, percent: null, copiedBytes: null, totalBytes: null }
  return { snapshotId, percent: 100, copiedBytes: completedBytes, totalBytes: completedBytes }
}

async function sequenceOf(
  { transitions }: Context['gateway'],
  after: string | null | undefined,
): Promise<number | undefined> {
  if (after === null || after === undefined) return undefined
  const sequence = await transitions.parse(after)
  if (sequence === 'MALFORMED') {
    throw badUserInput(
      'after is not a stream cursor of this gateway. Use the streamCursor of a list, or the cursor of a transition.',
    )
  }
  if (sequence === 'EXPIRED') {
    throw clientError(
      'CURSOR_EXPIRED',
      'The stream cursor is older than the log. List again, and watch from the new cursor.',
    )
  }
  return sequence
}

function notFound(snapshotId: string) {
  return clientError(
    'NOT_FOUND',
    `There is no snapshot ${JSON.stringify(snapshotId)}. Query snapshots for those there are.`,
  )
}

function passes(transition: Transition, filter: TransitionFilter | null | undefined): boolean {
  return (
    matches(transition.snapshotId, filter?.snapshotId) &&
    matches(transition.diskId, filter?.diskId) &&
    matches(transition.to, filter?.to)
  )
}

function matches<T>(value: T, comparison: EnumFilter<T> | null | undefined): boolean {
  const { eq, in: oneOf } = comparison ?? {}
  return (eq === null || eq === undefined || eq === value) && (!oneOf || oneOf.includes(value))
}

/** Lets go of the source as soon as it is returned, also while it waits. */
function filtered<T>(source: AsyncIterable<T>, wanted: (value: T) => boolean): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        for (;;) {
          const result = await iterator.next()
          if (result.done || wanted(result.value)) return result
        }
      },
      return: () => iterator.return?.() ?? Promise.resolve({ value: undefined, done: true as const }),
    }),
  }
}
