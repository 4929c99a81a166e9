import { Radio } from 'antd'
import { useId } from 'react'

interface ChoiceProps<Value extends string> {
  label: string
  values: readonly Value[]
  names: Readonly<Record<Value, string>>
  value: Value
  onChange: (value: Value) => void
}

/** One of a few values. */
export function Choice<Value extends string>({ label, values, names, value, onChange }: ChoiceProps<Value>) {
  const id = useId()
  return (
    <div className="field">
      <span id={id}>{label}</span>
      <Radio.Group
        className="policies"
        aria-labelledby={id}
        value={value}
        onChange={({ target }) => onChange(target.value as Value)}
      >
        {values.map((one) => (
          <Radio key={one} value={one}>
            {names[one]}
          </Radio>
        ))}
      </Radio.Group>
    </div>
  )
}
