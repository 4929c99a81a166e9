import type { Tag } from '../api/snapshot.ts'
import { useWords } from '../settings.tsx'

/** A tag as it is read: a key alone where it has no value. */
export const tagText = ({ key, value }: Tag) => (value === '' ? key : `${key}=${value}`)

/** How many tags a cell shows; the others are in its title. */
const SHOWN = 3

/** The tags of something, in a cell. */
export function TagList({ tags }: { tags: readonly Tag[] }) {
  const words = useWords()
  if (tags.length === 0) return <>{words.none}</>
  const more = tags.length - SHOWN
  return (
    <span className="tag-list" title={tags.map(tagText).join(', ')}>
      {tags.slice(0, SHOWN).map((tag) => (
        <span className="tag-chip" key={tag.key}>
          {tagText(tag)}
        </span>
      ))}
      {more > 0 && <span className="hint">{words.tagging.more(more)}</span>}
    </span>
  )
}
