import type { DiskStatus } from './disk.ts'
import type { Refusal } from './refusal.ts'
import { DiskLinkedElsewhere, DiskStatusForbidsPolicy } from './refusals.ts'
import { latestSlot, slotsAfter, type Schedule, type Slot } from './schedule.ts'

/**
 * The disk statuses in which a policy may be linked; linked, it stays so in every status, and a run passes over it
 * where it may not have a snapshot. Source: the cloud's API, link policy.
 */
const LINK_STATUSES: readonly DiskStatus[] = ['IN_USE']

/**
 * Every reason why the policy, or any at all, may not be linked to this disk now, in the order in which they are checked;
 * none when it is already.
 */
export function linkRefusals(
  disk: { status: DiskStatus; policyId: string | null },
  policyId?: string,
): Refusal[] {
  if (disk.policyId === policyId) return []
  const refusals: Refusal[] = []
  if (disk.policyId !== null) refusals.push(new DiskLinkedElsewhere(disk.policyId))
  if (!LINK_STATUSES.includes(disk.status)) {
    refusals.push(new DiskStatusForbidsPolicy(disk.status, LINK_STATUSES))
  }
  return refusals
}

/** What becomes of a slot: it is run, it was missed, or the clocks leave its hour out. */
type SlotOutcome = 'RUN' | 'MISSED' | 'NO_SUCH_HOUR'

export interface Due {
  slots: { slot: Slot; outcome: SlotOutcome }[]
  /** Up to when these are all: `now`, unless there are more. */
  through: Date
}

/**
 * What is due of a schedule: of everything since the last time the latest is run, and what lies before it was missed.
 * However long nobody looked, a disk gets one snapshot for it. What was missed up to `keptSince` is left out, and no more
 * than about `atMost` are given at once.
 */
export function dueSlots(
  schedule: Schedule,
  since: Date,
  now: Date,
  { keptSince = since, atMost = Infinity }: { keptSince?: Date; atMost?: number } = {},
): Due {
  const latest = latestSlot(schedule, since, now)
  const from = keptSince > since ? keptSince : since
  const slots: Due['slots'] = []
  if (latest && latest.at <= from) slots.push({ slot: latest, outcome: 'RUN' })
  for (const slot of slotsAfter(schedule, from)) {
    if (slot.at > now) break
    const last = slots.at(-1)
    // Those of one instant stay together: what follows begins after it.
    if (last && slots.length >= atMost && slot.at > last.slot.at) return { slots, through: last.slot.at }
    const outcome = !slot.exists ? 'NO_SUCH_HOUR' : slot.name === latest?.name ? 'RUN' : 'MISSED'
    slots.push({ slot, outcome })
  }
  return { slots, through: now }
}
