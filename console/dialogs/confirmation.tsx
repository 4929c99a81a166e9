import { Input } from 'antd'
import { useWords } from '../settings.tsx'
import { Field } from './field.tsx'

interface ConfirmationProps {
  value: string
  onChange: (value: string) => void
}

/** Asks for a word before something that cannot be undone. */
export function Confirmation({ value, onChange }: ConfirmationProps) {
  const { confirmation } = useWords()
  return (
    <Field label={confirmation.label(confirmation.word)}>
      {(id, describedBy) => (
        <Input
          id={id}
          aria-describedby={describedBy}
          autoComplete="off"
          placeholder={confirmation.word}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  )
}

/** Whether what was typed is the word, in any case. */
export function useIsConfirmed(): (value: string) => boolean {
  const { confirmation } = useWords()
  return (value) => value.trim().toLowerCase() === confirmation.word.toLowerCase()
}
