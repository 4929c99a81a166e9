/** An automatic snapshot policy that a cloud runs by itself, as the cloud describes it. */
export interface UpstreamPolicy {
  /** The cloud's own id. */
  id: string
  name: string
  /** The cloud's own word. */
  status: string
  /** Hours, by the clock of the cloud. */
  timePoints: number[]
  /** As the cloud numbers them. */
  repeatWeekdays: number[]
  /** Null where the cloud keeps what it makes, or does not say how long. */
  retentionDays: number | null
  createdAt: Date | null
  changedAt: Date | null
  /** When the cloud last ran it; null when it has not, or does not say. */
  ranAt: Date | null
}

/** The most policies of a connection that are shown: the first ones by name. */
export const UPSTREAM_POLICIES_MAX = 100

/** Policies as they are stored with their connection. */
export function writePolicies(policies: readonly UpstreamPolicy[]): string {
  const byName = policies.toSorted((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
  return JSON.stringify(byName.slice(0, UPSTREAM_POLICIES_MAX))
}

export function readPolicies(text: string | null): UpstreamPolicy[] {
  if (text === null) return []
  const stored = JSON.parse(text) as (UpstreamPolicy & Record<Moment, string | null>)[]
  return stored.map((policy) => ({ ...policy, ...momentsOf(policy) }))
}

/** The ids of the policies that a disk is linked to, as they are stored with it; null for none. */
export const writePolicyIds = (ids: readonly string[]): string | null =>
  ids.length === 0 ? null : JSON.stringify([...new Set(ids)].sort())

export const readPolicyIds = (text: string | null): string[] =>
  text === null ? [] : (JSON.parse(text) as string[])

type Moment = 'createdAt' | 'changedAt' | 'ranAt'

const momentsOf = ({
  createdAt,
  changedAt,
  ranAt,
}: Record<Moment, string | null>): Record<Moment, Date | null> => ({
  createdAt: moment(createdAt),
  changedAt: moment(changedAt),
  ranAt: moment(ranAt),
})

const moment = (text: string | null) => (text === null ? null : new Date(text))

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
