/** The quotas of clouds, with what clients are told of them. */
export const UPSTREAM_QUOTA_KINDS = {
  SNAPSHOTS: 'Snapshots of both types.',
  MANUAL_SNAPSHOTS: 'Manual snapshots.',
  AUTOMATIC_SNAPSHOTS: 'Automatic snapshots.',
  GIBIBYTES: 'The sizes of disks and snapshots, in GiB.',
} as const
export type UpstreamQuotaKind = keyof typeof UPSTREAM_QUOTA_KINDS

/** What an account of a cloud uses of a quota in one region. */
export interface UpstreamQuota {
  kind: UpstreamQuotaKind
  used: number
  /** Null where the cloud sets or names none for the whole account. */
  limit: number | null
}

/** The quotas of a whole account, where a cloud has some for each disk: their use is added up, and they have no common limit. */
export function totalsOf(
  quotas: readonly (UpstreamQuota & { diskExternalId: string | null })[],
): UpstreamQuota[] {
  return [...Map.groupBy(quotas, ({ kind }) => kind)].map(([kind, own]) => ({
    kind,
    used: own.reduce((sum, { used }) => sum + used, 0),
    limit: own.find(({ diskExternalId }) => diskExternalId === null)?.limit ?? null,
  }))
}

export const writeQuotas = (quotas: readonly UpstreamQuota[]): string => JSON.stringify(quotas)

export const readQuotas = (text: string | null): UpstreamQuota[] =>
  text === null ? [] : (JSON.parse(text) as UpstreamQuota[])
