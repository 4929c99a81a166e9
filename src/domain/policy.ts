import type { DiskStatus } from './disk.ts'
import { DiskLinkedElsewhere, DiskStatusForbidsPolicy, type Refusal } from './refusals.ts'
import { slotsBetween, type Schedule, type Slot } from './schedule.ts'

/**
 * The disk statuses in which a policy may be linked; linked, it stays so in every status, and a run passes over it
 * where it may not have a snapshot. Source: the cloud's API, link policy.
 */
export const LINK_STATUSES: readonly DiskStatus[] = ['IN_USE']

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
export type SlotOutcome = 'RUN' | 'MISSED' | 'NO_SUCH_HOUR'

/**
 * What is due of a schedule: of everything since the last time the latest is run, and what lies before it was missed.
 * However long nobody looked, a disk gets one snapshot for it.
 */
export function dueSlots(schedule: Schedule, since: Date, now: Date): { slot: Slot; outcome: SlotOutcome }[] {
  const slots = slotsBetween(schedule, since, now)
  const latest = slots.findLast(({ exists }) => exists)
  return slots.map((slot) => ({
    slot,
    outcome: !slot.exists ? 'NO_SUCH_HOUR' : slot === latest ? 'RUN' : 'MISSED',
  }))
}
