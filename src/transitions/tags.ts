interface Tag {
  key: string
  value: string
}

/** Tags as they are stored with a transition, sorted by key; null when there are none. */
export function writeTags(tags: readonly Tag[]): string | null {
  if (tags.length === 0) return null
  return JSON.stringify(tags.toSorted(byKey).map(({ key, value }) => [key, value]))
}

const byKey = (a: Tag, b: Tag) => (a.key < b.key ? -1 : 1)

/** The values of tags by their keys. */
export function readTags(stored: string | null | undefined): ReadonlyMap<string, string> {
  return stored ? new Map(JSON.parse(stored) as [string, string][]) : NONE
}

const NONE: ReadonlyMap<string, string> = new Map()
