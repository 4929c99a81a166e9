interface Tag {
  key: string
  value: string
}

/** Tags as they are stored with a transition. */
export function writeTags(tags: readonly Tag[]): string {
  return JSON.stringify(tags.map(({ key, value }) => [key, value]))
}

/** The values of tags by their keys. */
export function readTags(stored: string | null | undefined): ReadonlyMap<string, string> {
  return stored ? new Map(JSON.parse(stored) as [string, string][]) : NONE
}

const NONE: ReadonlyMap<string, string> = new Map()
