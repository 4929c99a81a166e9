import { FilterOutlined } from '@ant-design/icons'
import { Button, Checkbox, Input, Popover, Select, Tag } from 'antd'
import { useId, useState } from 'react'
import { known, type Address } from '../address.ts'
import {
  CHOICES,
  isChoice,
  isRange,
  rangeIn,
  rangeText,
  tagsIn,
  tagToken,
  type ChoiceName,
  type Range,
  type RangeName,
  type TokenName,
} from '../filters.ts'
import { useWords } from '../settings.tsx'
import { tagText } from './tag-list.tsx'

interface TokensProps {
  address: Address
  /** The filters that the list has. */
  names: readonly TokenName[]
}

/** The filters that are set, each as a token that can be taken away. */
export function Tokens({ address, names }: TokensProps) {
  const { filters, ...words } = useWords()
  const tags = names.includes('tag') ? tagsIn(address) : []
  return (
    <>
      {names.filter(isRange).map((name) => {
        const range = rangeIn(address, name)
        if (!range) return null
        return (
          <Tag
            key={name}
            closable={{ 'aria-label': filters.remove(filters.names[name]) }}
            onClose={() => address.filter({ [name]: undefined })}
          >
            {filters.names[name]}: {filters.range(range.from, range.to)}
          </Tag>
        )
      })}
      {names.filter(isChoice).map((name) => {
        const chosen = known<string>(address.list(name), CHOICES[name])
        if (chosen.length === 0) return null
        const labels: Readonly<Record<string, string>> =
          name === 'origin' ? words.snapshotOrigin : words.provider
        return (
          <Tag
            key={name}
            closable={{ 'aria-label': filters.remove(filters.names[name]) }}
            onClose={() => address.filter({ [name]: undefined })}
          >
            {filters.names[name]}: {chosen.map((value) => labels[value]).join(', ')}
          </Tag>
        )
      })}
      {tags.map((tag, index) => (
        <Tag
          key={tagToken(tag)}
          closable={{ 'aria-label': filters.remove(tagText(tag)) }}
          onClose={() => address.filter({ tag: tags.toSpliced(index, 1).map(tagToken) })}
        >
          {filters.names.tag}: {tagText(tag)}
        </Tag>
      ))}
    </>
  )
}

/** Sets one more filter. */
export function AddFilter({ address, names }: TokensProps) {
  const { filters } = useWords()
  const [open, setOpen] = useState(false)
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      trigger="click"
      placement="bottomLeft"
      destroyOnHidden
      content={<FilterForm address={address} names={names} close={() => setOpen(false)} />}
    >
      <Button icon={<FilterOutlined aria-hidden />} aria-expanded={open} aria-haspopup="dialog">
        {filters.add}
      </Button>
    </Popover>
  )
}

function FilterForm({ address, names, close }: TokensProps & { close: () => void }) {
  const words = useWords()
  const { filters } = words
  const [name, setName] = useState<TokenName>(names[0] ?? 'created')
  const [range, setRange] = useState<Range>({ from: '', to: '' })
  const [tag, setTag] = useState({ key: '', value: '' })
  const [chosen, setChosen] = useState<string[]>([])
  const field = useId()

  function submit(): void {
    if (isRange(name)) address.filter({ [name]: rangeText(range) })
    else if (isChoice(name)) address.filter({ [name]: chosen })
    else if (tag.key !== '') {
      address.filter({ tag: [...new Set([...tagsIn(address), tag].map(tagToken))] })
    }
    close()
  }

  return (
    <form
      className="add-filter"
      aria-label={filters.add}
      onKeyDown={({ key }) => {
        if (key === 'Escape') close()
      }}
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <label htmlFor={field}>{filters.by}</label>
      <Select
        id={field}
        autoFocus
        value={name}
        options={names.map((one) => ({ value: one, label: filters.names[one] }))}
        onChange={(next: TokenName) => {
          setName(next)
          setRange({ from: '', to: '' })
          setChosen(isChoice(next) ? known<string>(address.list(next), CHOICES[next]) : [])
        }}
      />
      {isChoice(name) && <ChoiceField name={name} chosen={chosen} onChange={setChosen} />}
      {name === 'tag' && (
        <>
          <Input
            aria-label={words.tagging.key}
            placeholder={words.tagging.key}
            value={tag.key}
            onChange={({ target }) => setTag({ ...tag, key: target.value })}
          />
          <Input
            aria-label={words.tagging.value}
            placeholder={filters.anyValue}
            value={tag.value}
            onChange={({ target }) => setTag({ ...tag, value: target.value })}
          />
        </>
      )}
      {isRange(name) && <RangeFields name={name} range={range} onChange={setRange} />}
      <Button type="primary" htmlType="submit">
        {filters.apply}
      </Button>
    </form>
  )
}

interface ChoiceFieldProps {
  name: ChoiceName
  chosen: string[]
  onChange: (chosen: string[]) => void
}

function ChoiceField({ name, chosen, onChange }: ChoiceFieldProps) {
  const words = useWords()
  const labels: Readonly<Record<string, string>> = name === 'origin' ? words.snapshotOrigin : words.provider
  return (
    <Checkbox.Group
      aria-label={words.filters.names[name]}
      className="policies"
      value={chosen}
      onChange={onChange}
      options={CHOICES[name].map((value) => ({ value, label: labels[value] }))}
    />
  )
}

interface RangeFieldsProps {
  name: RangeName
  range: Range
  onChange: (range: Range) => void
}

function RangeFields({ name, range, onChange }: RangeFieldsProps) {
  const { filters } = useWords()
  const isSize = name === 'gib'
  const type = isSize ? 'number' : 'date'
  return (
    <>
      <Input
        type={type}
        aria-label={isSize ? filters.least : filters.from}
        prefix={<span className="hint">{isSize ? filters.least : filters.from}</span>}
        value={range.from}
        onChange={({ target }) => onChange({ ...range, from: target.value })}
      />
      <Input
        type={type}
        aria-label={isSize ? filters.most : filters.to}
        prefix={<span className="hint">{isSize ? filters.most : filters.to}</span>}
        value={range.to}
        onChange={({ target }) => onChange({ ...range, to: target.value })}
      />
    </>
  )
}
