import { isTimeZone, type Schedule } from './schedule.ts'
import { isRetention, RETENTION_RULE } from './retention.ts'

/** How many policies an account may have. The sources don't say; it is what comparable clouds allow. */
export const POLICIES_MAX = 100

/** The rules of a policy, each with the sentence that says what would be right. Source: the cloud's API, create policy. */
export const POLICY_RULES = {
  TIME_POINTS: 'timePoints must have at least one hour, each an integer from 0 to 23.',
  REPEAT_WEEKDAYS: 'repeatWeekdays must have at least one day, each an integer from 0 (Sunday) to 6.',
  RETENTION_DAYS: `retentionDays is ${RETENTION_RULE}.`,
  TIME_ZONE: 'timeZone must be an IANA name, such as UTC or Asia/Shanghai.',
} as const
export type PolicyRule = keyof typeof POLICY_RULES

/** The rules a policy breaks, in the order of `POLICY_RULES`; empty when it is a good one. */
export function brokenPolicyRules({
  timePoints,
  repeatWeekdays,
  retentionDays,
  timeZone,
}: Schedule & { retentionDays: number }): PolicyRule[] {
  const broken: PolicyRule[] = []
  if (!areWithin(timePoints, 23)) broken.push('TIME_POINTS')
  if (!areWithin(repeatWeekdays, 6)) broken.push('REPEAT_WEEKDAYS')
  if (!isRetention(retentionDays)) broken.push('RETENTION_DAYS')
  if (!isTimeZone(timeZone)) broken.push('TIME_ZONE')
  return broken
}

function areWithin(numbers: readonly number[], max: number): boolean {
  return numbers.length > 0 && numbers.every((n) => Number.isInteger(n) && n >= 0 && n <= max)
}
