import { CheckOutlined, CopyOutlined } from '@ant-design/icons'
import { useState } from 'react'
import { useWords } from '../settings.tsx'
import { announce } from './announcer.tsx'
import { copyText } from './clipboard.ts'

/** A text to be copied with one click, such as an id. */
export function Copyable({ text }: { text: string }) {
  const words = useWords()
  const [copied, setCopied] = useState(false)
  return (
    <span className="copyable">
      <code>{text}</code>
      <button
        type="button"
        className="icon-button"
        aria-label={`${words.copy} ${text}`}
        onBlur={() => setCopied(false)}
        onClick={() => {
          void copyText(text).then((done) => {
            setCopied(done)
            announce(done ? words.copied : words.notCopied)
          })
        }}
      >
        {copied ? <CheckOutlined aria-hidden /> : <CopyOutlined aria-hidden />}
      </button>
    </span>
  )
}
