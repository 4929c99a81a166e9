import { brokenNameRules } from '../domain/name.ts'
import type { Refusal } from '../domain/refusal.ts'
import { InvalidName } from '../domain/refusals.ts'

/** Throws `InvalidName` unless the name is a good one. */
export function checkName(name: string): void {
  const broken = brokenNameRules(name)
  if (broken.length > 0) throw new InvalidName(broken)
}

/** Throws the first refusal, if there is one. */
export function refuse([refusal]: readonly Refusal[]): void {
  if (refusal) throw refusal
}
