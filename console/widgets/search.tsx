import { SearchOutlined } from '@ant-design/icons'
import { Input } from 'antd'
import { useEffect, useEffectEvent, useRef, useState } from 'react'

/** How long after the last key the search begins, in milliseconds. */
const PAUSE_MS = 250

interface SearchProps {
  label: string
  value: string
  onSearch: (value: string) => void
}

/** Searches while one types. */
export function Search({ label, value, onSearch }: SearchProps) {
  const [typed, setTyped] = useState(value)
  const sent = useRef(value)
  useEffect(() => {
    // The address was changed by something else, such as going back.
    if (value !== sent.current) {
      sent.current = value
      setTyped(value)
    }
  }, [value])
  const search = useEffectEvent(onSearch)
  useEffect(() => {
    const text = typed.trim()
    if (text === sent.current) return undefined
    const timer = setTimeout(() => {
      sent.current = text
      search(text)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <Input
      className="search"
      type="search"
      prefix={<SearchOutlined aria-hidden />}
      allowClear
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
    />
  )
}
