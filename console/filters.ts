import { known, type Address } from './address.ts'
import type { EnumOf } from './api/graphql.ts'
import type { Tag } from './api/snapshot.ts'
import { startOfDay, type Zone } from './times.ts'

/** A range in the address, `from..to`, of which either may be left out. */
export interface Range {
  from: string
  to: string
}

/** What a list is filtered by besides its search and its choices: each a token with a name in the address. */
export const TOKENS = ['created', 'expires', 'gib', 'origin', 'provider', 'tag'] as const
export type TokenName = (typeof TOKENS)[number]
export type RangeName = Extract<TokenName, 'created' | 'expires' | 'gib'>
export type ChoiceName = Extract<TokenName, 'origin' | 'provider'>

/** The values of the tokens that choose among some: who had a snapshot created, and where a disk or snapshot is. */
export const CHOICES = {
  origin: ['GATEWAY', 'OUTSIDE', 'UPSTREAM_POLICY'] satisfies EnumOf<'SnapshotOrigin'>[],
  provider: ['LOCAL', 'BAIDU', 'CINDER'] satisfies EnumOf<'Provider'>[],
}

export const isChoice = (name: TokenName): name is ChoiceName => name in CHOICES
export const isRange = (name: TokenName): name is RangeName => name !== 'tag' && !isChoice(name)

const DAY = /^\d{4}-\d{2}-\d{2}$/
const SIZE = /^\d{1,6}$/

/** The range that the address gives; undefined where it gives none that can be read. */
export function rangeIn(address: Address, name: RangeName): Range | undefined {
  const [from = '', to = '', ...rest] = address.text(name).split('..')
  const pattern = name === 'gib' ? SIZE : DAY
  const isKnown = (bound: string) => bound === '' || (pattern.test(bound) && isReal(name, bound))
  if (rest.length > 0 || (from === '' && to === '') || !isKnown(from) || !isKnown(to)) return undefined
  return { from, to }
}

function isReal(name: RangeName, bound: string): boolean {
  return name === 'gib' || !Number.isNaN(Date.parse(`${bound}T00:00:00`))
}

export const rangeText = ({ from, to }: Range): string | undefined =>
  from === '' && to === '' ? undefined : `${from}..${to}`

/** The tags that the address asks for; a tag without a value stands for any value of its key. */
export function tagsIn(address: Address): Tag[] {
  return address.list('tag').flatMap((token) => {
    const [key = '', value = ''] = token.split('=').map(unescaped)
    return key === '' ? [] : [{ key, value }]
  })
}

export const tagToken = ({ key, value }: Tag): string =>
  [key, ...(value === '' ? [] : [value])].map(escaped).join('=')

/** What has a meaning between tags in the address, or a percent sign, which the router decodes once more than it was encoded. */
const ESCAPES = ['~', ',', '=', '%']

const escaped = (text: string) => text.replace(/[~,=%]/g, (sign) => `~${ESCAPES.indexOf(sign)}`)
const unescaped = (text: string) =>
  text.replace(/~([0-3])/g, (_escape, place: string) => ESCAPES[Number(place)] ?? '')

/** Days as the reader counts them, from their first moment to that of the day after the last. */
function daysFilter({ from, to }: Range, zone: Zone) {
  return {
    ...(from !== '' && { gte: startOfDay(from, zone).toISOString() }),
    ...(to !== '' && { lt: startOfDay(to, zone, 1).toISOString() }),
  }
}

function sizesFilter({ from, to }: Range) {
  return { ...(from !== '' && { gte: Number(from) }), ...(to !== '' && { lte: Number(to) }) }
}

/** What the tokens of the address ask for, as the API filters disks. */
export function tokenFilter(address: Address, zone: Zone) {
  const created = rangeIn(address, 'created')
  const size = rangeIn(address, 'gib')
  const connection = address.text('connection')
  const tags = tagsIn(address)
  const providers = known(address.list('provider'), CHOICES.provider)
  return {
    ...(providers.length > 0 && { provider: { in: providers } }),
    ...(created && { createdAt: daysFilter(created, zone) }),
    ...(size && { sizeGiB: sizesFilter(size) }),
    ...(connection && { connectionId: { eq: connection } }),
    ...(tags.length > 0 && {
      tags: tags.map(({ key, value }) => (value === '' ? { key } : { key, value: { eq: value } })),
    }),
  }
}

/** The same for snapshots, which may expire. */
export function snapshotTokenFilter(address: Address, zone: Zone) {
  const expires = rangeIn(address, 'expires')
  const origins = known(address.list('origin'), CHOICES.origin)
  return {
    ...tokenFilter(address, zone),
    ...(expires && { expiresAt: daysFilter(expires, zone) }),
    ...(origins.length > 0 && { origin: { in: origins } }),
  }
}
