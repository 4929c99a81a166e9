import type { LiveTransition } from '../api/transitions.ts'

type Fields = Record<string, unknown>

/**
 * What has been said of disks and snapshots while an answer was on its way: the fields of each, by type and id; null when it
 * was deleted.
 */
export type News = ReadonlyMap<string, Fields | null>

/** What is changed without a transition, so that a transition may be older than an answer in this. */
const EDITED = new Set(['name', 'description', 'tags', 'autoSnapshotPolicyEligibility'])

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Type and id of a disk or snapshot; undefined for everything else. */
function keyOf({ __typename: type, id }: Fields): string | undefined {
  return (type === 'Disk' || type === 'Snapshot') && typeof id === 'string' ? `${type}:${id}` : undefined
}

/** Whether it has an id of its own, and so news of its own. */
function isNode(value: unknown): boolean {
  return isObject(value) && 'id' in value
}

function collect(value: unknown, isSaid: (field: string) => boolean, news: Map<string, Fields>): void {
  if (!isObject(value)) return
  const key = keyOf(value)
  if (key !== undefined) {
    const fields = Object.entries(value).filter(([field, of]) => isSaid(field) && !isNode(of))
    news.set(key, { ...news.get(key), ...Object.fromEntries(fields) })
  }
  for (const of of Object.values(value)) collect(of, isSaid, news)
}

/** What a change that was answered says. */
export function newsOfChange(data: unknown): News {
  const news = new Map<string, Fields>()
  collect(data, () => true, news)
  return news
}

/** What a transition says. */
export function newsOfTransition(transition: LiveTransition): News {
  const news = new Map<string, Fields | null>()
  collect(transition, (field) => !EDITED.has(field), news as Map<string, Fields>)
  if (transition.to === 'DELETED') {
    const ofDisk = transition.__typename === 'DiskTransition'
    news.set(ofDisk ? `Disk:${transition.diskId}` : `Snapshot:${transition.snapshotId}`, null)
  }
  return news
}

/** The answer as it would be had it been read after the news: its older fields replaced, and what was deleted left out. */
export function withNews<Data>(answer: Data, news: readonly News[]): Data {
  const latest = new Map(news.flatMap((one) => [...one.keys()]).map((key) => [key, fieldsOf(key, news)]))
  return latest.size === 0 ? answer : (amend(answer, latest) as Data)
}

/** What all the news together say of one object. */
function fieldsOf(key: string, news: readonly News[]): Fields | null {
  const said = news.map((one) => one.get(key)).filter((fields) => fields !== undefined)
  return said.includes(null) ? null : said.reduce<Fields>((all, fields) => ({ ...all, ...fields }), {})
}

function amend(value: unknown, news: News): unknown {
  if (Array.isArray(value)) return value.filter((one) => !isGone(one, news)).map((one) => amend(one, news))
  if (!isObject(value)) return value
  if (isGone(value, news)) return null
  const said = news.get(keyOf(value) ?? '') ?? {}
  return Object.fromEntries(
    Object.entries(value).map(([field, of]) => [field, field in said ? said[field] : amend(of, news)]),
  )
}

function isGone(value: unknown, news: News): boolean {
  return isObject(value) && news.get(keyOf(value) ?? '') === null
}
