import { useId, type ReactNode } from 'react'

interface FieldProps {
  label: string
  hint?: string
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
