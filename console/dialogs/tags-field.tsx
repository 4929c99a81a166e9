import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Input } from 'antd'
import type { Tag } from '../api/snapshot.ts'
import { useWords } from '../settings.tsx'
import { useLimits } from './limits.ts'

interface TagsFieldProps {
  tags: readonly Tag[]
  onChange: (tags: Tag[]) => void
}

/** The tags of something, as they are written. */
export function TagsField({ tags, onChange }: TagsFieldProps) {
  const words = useWords()
  const { tagging } = words
  const limits = useLimits(true)
  const set = (index: number, part: Partial<Tag>) =>
    onChange(tags.map((tag, place) => (place === index ? { ...tag, ...part } : tag)))
  const problem = useTagsProblem()(tags)
  return (
    <fieldset className="field tags">
      <legend>{words.tags}</legend>
      {tags.map(({ key, value }, index) => (
        // Tags have nothing but their place while they are written.
        <div className="tag" key={index}>
          <Input
            aria-label={tagging.keyOf(index + 1)}
            placeholder={tagging.key}
            maxLength={limits?.tagLength}
            value={key}
            onChange={({ target }) => set(index, { key: target.value })}
          />
          <Input
            aria-label={tagging.valueOf(index + 1)}
            placeholder={tagging.value}
            maxLength={limits?.tagLength}
            value={value}
            onChange={({ target }) => set(index, { value: target.value })}
          />
          <Button
            type="text"
            aria-label={tagging.remove(key || String(index + 1))}
            icon={<DeleteOutlined aria-hidden />}
            onClick={() => onChange(tags.filter((_tag, place) => place !== index))}
          />
        </div>
      ))}
      {problem !== undefined && (
        <div className="problem" role="alert">
          {problem}
        </div>
      )}
      <div>
        <Button
          size="small"
          icon={<PlusOutlined aria-hidden />}
          disabled={limits !== undefined && tags.length >= limits.tags}
          onClick={() => onChange([...tags, { key: '', value: '' }])}
        >
          {tagging.add}
        </Button>
      </div>
    </fieldset>
  )
}

/** Says what is wrong with tags as they are written: a value without a key, or a key given twice. */
export function useTagsProblem(): (tags: readonly Tag[]) => string | undefined {
  const { tagging } = useWords()
  return (tags) => {
    const written = writtenTags(tags)
    if (written.some(({ key }) => key === '')) return tagging.noKey
    const repeated = written.find(({ key }, index) => written.findIndex((tag) => tag.key === key) < index)
    return repeated && tagging.twice(repeated.key)
  }
}

/** The tags that were filled in: a row that was added and left empty is none. */
export function writtenTags(tags: readonly Tag[]): Tag[] {
  return tags.filter(({ key, value }) => key !== '' || value !== '').map(({ key, value }) => ({ key, value }))
}

/** Whether both have the same tags, in any order. */
export function sameTags(left: readonly Tag[], right: readonly Tag[]): boolean {
  const textOf = (tags: readonly Tag[]) =>
    JSON.stringify(tags.map(({ key, value }) => [key, value]).toSorted())
  return textOf(left) === textOf(right)
}
