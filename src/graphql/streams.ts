import type { Groups } from '../delivery/groups.ts'
import type { Seat } from '../delivery/member.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { quoted } from '../domain/echo.ts'
import { operationOn } from '../domain/job.ts'
import { isSettled } from '../domain/lifecycle.ts'
import type { SnapshotStatus, SnapshotType } from '../domain/snapshot.ts'
import type { EnumFilter, StringFilter, TagFilter } from '../reads/filters.ts'
import type { Interest } from '../transitions/interest.ts'
import { lowerCase, type TextCondition } from '../transitions/text-condition.ts'
import { CursorExpired } from '../transitions/cursor.ts'
import type { DiskTransition, Transition } from '../transitions/transition.ts'
import type { Viewer } from '../services/viewer.ts'
import { percent } from '../transitions/progress.ts'
import type { Context } from './context.ts'
import { badUserInput, clientError } from './errors.ts'

export interface TransitionFilter {
  snapshotId?: EnumFilter<string> | null | undefined
  diskId?: EnumFilter<string> | null | undefined
  to?: EnumFilter<SnapshotStatus> | null | undefined
  type?: EnumFilter<SnapshotType> | null | undefined
  name?: StringFilter | null | undefined
  tags?: readonly TagFilter[] | null | undefined
}

export interface DiskTransitionFilter {
  diskId?: EnumFilter<string> | null | undefined
  to?: EnumFilter<DiskStatus> | null | undefined
}

type AnyTransitionFilter = Omit<TransitionFilter, 'to'> & {
  to?: EnumFilter<SnapshotStatus | DiskStatus> | null | undefined
}

export interface ProgressEvent {
  snapshotId: string
  percent: number | null
  copiedBytes: number | null
  totalBytes: number | null
}

/** Every transition of the viewer's snapshots that the filter lets through. */
export function follow(
  context: Context,
  filter: TransitionFilter | null | undefined,
  after: string | null | undefined,
): AsyncIterable<Transition> {
  const { gateway, viewer } = context
  const position = positionOf(gateway.transitions, context, after) ?? present(gateway.transitions, context)
  return served(context, gateway.hub, gateway.hub.seat(interestOf(viewer, filter), position))
}

/** Every transition of the viewer's disks that the filter lets through. */
export function followDisks(
  context: Context,
  filter: DiskTransitionFilter | null | undefined,
  after: string | null | undefined,
): AsyncIterable<DiskTransition> {
  const { gateway, viewer } = context
  const position =
    positionOf(gateway.diskTransitions, context, after) ?? present(gateway.diskTransitions, context)
  return served(context, gateway.diskHub, gateway.diskHub.seat(interestOf(viewer, filter), position))
}

/** The transitions of one snapshot, to the final one. */
export function followToEnd(
  context: Context,
  snapshotId: string,
  after: string | null | undefined,
): AsyncIterable<Transition> {
  const { gateway, viewer } = context
  const position = positionOf(gateway.transitions, context, after)
  const seat = gateway.hub.seatToEnd({ accountId: viewer.accountId, snapshotId }, position)
  if (!seat) throw notFound('Snapshot', snapshotId)
  return served(context, gateway.hub, seat)
}

/** The transitions of one disk, until nothing is in progress. */
export function followDiskToEnd(
  context: Context,
  diskId: string,
  after: string | null | undefined,
): AsyncIterable<DiskTransition> {
  const { gateway, viewer } = context
  const position = positionOf(gateway.diskTransitions, context, after)
  const seat = gateway.diskHub.seatToEnd({ accountId: viewer.accountId, diskId }, position)
  if (!seat) throw notFound('Disk', diskId)
  return served(context, gateway.diskHub, seat)
}

/** Hands the stream to its group. Its own iterable is empty: the group writes to the connection. */
function served({ join }: Context, { groups }: { groups: Groups }, seat: Seat): AsyncIterable<never> {
  if (!join) throw new Error('A subscription to transitions was opened outside of a transport.')
  join(seat, groups)
  return { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: undefined, done: true }) }) }
}

/** The progress of what is done with one copy, the latest value winning, until nothing more is. */
export async function followProgress(
  { gateway: { progress }, reads }: Context,
  snapshotId: string,
): Promise<AsyncIterable<ProgressEvent>> {
  let changed = Promise.withResolvers<undefined>()
  const stop = progress.watch(snapshotId, () => changed.resolve(undefined))
  const snapshot = reads.snapshot(snapshotId)
  if (!snapshot) {
    stop()
    throw notFound('Snapshot', snapshotId)
  }
  async function* events(): AsyncGenerator<ProgressEvent> {
    let last: ProgressEvent | undefined
    try {
      for (;;) {
        const known = progress.get(snapshotId)
        const row = known ? snapshot : reads.snapshot(snapshotId)
        const saved = known ? undefined : operationOn(snapshotId, reads.snapshotJobs(snapshotId))
        const isOver = !known && (!row || (isSettled(row.status) && !saved))
        const next = known
          ? { snapshotId, percent: percent(known), ...known }
          : eventOf(snapshotId, saved, isOver ? row?.dataBytes : undefined)
        if (isOver || !last || !isSame(next, last)) yield next
        last = next
        if (isOver) return
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

/** What is known of work that is over, or that does not run here and was saved by who does it. */
function eventOf(
  snapshotId: string,
  saved: { progress: number | null } | undefined,
  doneBytes: bigint | null | undefined,
): ProgressEvent {
  if (!doneBytes) return { snapshotId, percent: saved?.progress ?? null, copiedBytes: null, totalBytes: null }
  return { snapshotId, percent: 100, copiedBytes: Number(doneBytes), totalBytes: Number(doneBytes) }
}

const isSame = (one: ProgressEvent, other: ProgressEvent) =>
  one.percent === other.percent && one.copiedBytes === other.copiedBytes

function positionOf(
  transitions: Pick<Context['gateway']['transitions'], 'parse'>,
  { viewer, eventStream }: Context,
  after: string | null | undefined,
): number | undefined {
  const cursor = eventStream?.lastEventId ?? after
  if (cursor === null || cursor === undefined) return undefined
  const position = transitions.parse(cursor, viewer)
  if (position === 'MALFORMED') {
    throw badUserInput(
      'after is not a stream cursor of this gateway. Use the streamCursor of a list, or the cursor of a transition.',
    )
  }
  if (position === 'EXPIRED') throw new CursorExpired()
  return position
}

/** Where a stream from now on begins, if its client is to be told; otherwise wherever the hub is. */
function present(
  transitions: Pick<Context['gateway']['transitions'], 'end'>,
  { viewer, eventStream }: Context,
): number | undefined {
  if (!eventStream) return undefined
  const { position, cursor } = transitions.end(viewer)
  eventStream.beginsAt(cursor)
  return position
}

function notFound(what: 'Snapshot' | 'Disk', id: string) {
  return clientError('NOT_FOUND', `${what} ${quoted(id)} not found.`)
}

function interestOf(
  { accountId }: Viewer,
  filter: TransitionFilter | DiskTransitionFilter | null | undefined,
): Interest {
  const { diskId, to, snapshotId, type, name, tags }: AnyTransitionFilter = filter ?? {}
  return {
    accountId,
    snapshotIds: oneOf(snapshotId),
    diskIds: oneOf(diskId),
    to: oneOf<SnapshotStatus | DiskStatus>(to),
    types: oneOf(type),
    name: name ? textCondition(name) : undefined,
    tags: tags?.length ? tags.map(({ key, value }) => ({ key, value: textCondition(value) })) : undefined,
  }
}

function textCondition(comparison: StringFilter | null | undefined): TextCondition {
  const { contains } = comparison ?? {}
  const lower = contains === null || contains === undefined ? undefined : lowerCase(contains)
  return { oneOf: oneOf(comparison), contains: lower }
}

/** The values that a comparison lets through, in one order; undefined when it lets all of them. */
function oneOf<T>(comparison: EnumFilter<T> | null | undefined): T[] | undefined {
  const { eq, in: listed } = comparison ?? {}
  const values = listed ? [...new Set(listed)].toSorted() : undefined
  if (eq === null || eq === undefined) return values
  return values && !values.includes(eq) ? [] : [eq]
}
