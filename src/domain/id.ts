/** The prefix of an id tells what it names, so that an id is a global Relay id as it stands. */
export const ID_PREFIXES = {
  Disk: 'v',
  Snapshot: 's',
  AutoSnapshotPolicy: 'asp',
  AutoSnapshotRun: 'asr',
  AutoSnapshotRunDisk: 'asd',
  Account: 'acc',
  ApiToken: 'tok',
  Connection: 'con',
  Activity: 'act',
} as const
export type IdType = keyof typeof ID_PREFIXES

/** Letters and digits that are not mistaken for each other: no 0, o, 1, l, i, u. */
const ALPHABET = '23456789abcdefghjkmnpqrstvwxyz'
const RANDOM_LENGTH = 12

/** A new id from random bytes, of which it takes 12 (about 59 bits). */
export function idFrom(type: IdType, random: Uint8Array): string {
  let id = `${ID_PREFIXES[type]}-`
  for (let i = 0; i < RANDOM_LENGTH; i++) id += ALPHABET.charAt((random[i] ?? 0) % ALPHABET.length)
  return id
}

/** What an id names, by its prefix; undefined when it is not an id. */
export function typeOfId(id: string): IdType | undefined {
  if (!/^[a-z]+-[A-Za-z0-9]{8,32}$/.test(id)) return undefined
  const prefix = id.slice(0, id.indexOf('-'))
  return (Object.keys(ID_PREFIXES) as IdType[]).find((type) => ID_PREFIXES[type] === prefix)
}
