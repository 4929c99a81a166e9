import { Input, InputNumber, type InputRef } from 'antd'
import { useEffect, useId, useRef, type ReactNode, type Ref } from 'react'
import type { Refusal } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain } from '../widgets/refusal.ts'
import { useLimits } from './limits.ts'

interface FieldProps {
  label: string
  hint?: string | undefined
  problem?: string | undefined
  children: (id: string, describedBy: string) => ReactNode
}

/** A field with its label above, and what is wrong with it and its rule below. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId()
  const text = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, text)}
      <div id={text}>
        {problem !== undefined && (
          <div className="problem" role="alert">
            {problem}
          </div>
        )}
        {hint !== undefined && <div className="hint">{hint}</div>}
      </div>
    </div>
  )
}

/** For the field that one begins to write in, once it is there. */
export function useFirstField(ready: boolean) {
  const field = useRef<InputRef>(null)
  useEffect(() => {
    if (ready) field.current?.focus({ cursor: 'all' })
  }, [ready])
  return field
}

interface NumberFieldProps extends Omit<FieldProps, 'children'> {
  value: number | null
  onChange: (value: number | null) => void
}

/** A whole number. What is typed stays as it is, and a problem is said: a field that corrects sends what nobody asked for. */
export function NumberField({ value, onChange, ...field }: NumberFieldProps) {
  return (
    <Field {...field}>
      {(id, describedBy) => (
        <InputNumber
          id={id}
          aria-describedby={describedBy}
          precision={0}
          controls={false}
          value={value}
          {...(field.problem !== undefined && { status: 'error' as const, 'aria-invalid': true })}
          onChange={onChange}
        />
      )}
    </Field>
  )
}

interface NameFieldProps {
  ref: Ref<InputRef>
  label: string
  value: string
  onChange: (name: string) => void
  /** Said under the field when it is of the name. */
  refusal: Refusal | undefined
}

export function NameField({ ref, label, value, onChange, refusal }: NameFieldProps) {
  const words = useWords()
  const format = useFormat()
  const limits = useLimits(true)
  const refused = refusal?.__typename === 'InvalidName'
  return (
    <Field
      label={label}
      hint={limits && words.dialog.nameRule(format.number(limits.nameLength))}
      problem={refused ? explain(refusal, words, format) : undefined}
    >
      {(id, describedBy) => (
        <Input
          ref={ref}
          id={id}
          aria-describedby={describedBy}
          value={value}
          autoComplete="off"
          {...(refused && { status: 'error' as const, 'aria-invalid': true })}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  )
}
