import { Button, Modal, Radio } from 'antd'
import { useId } from 'react'
import { useSettings } from '../settings.tsx'
import { TIME_FORMS, ZONES } from '../times.ts'

interface PreferencesProps {
  open: boolean
  close: () => void
}

/** How the console writes times, for this browser. Each choice holds at once. */
export function Preferences({ open, close }: PreferencesProps) {
  const { words, timeForm, zone, setTimeForm, setZone } = useSettings()
  const { preferences } = words
  return (
    <Modal
      open={open}
      centered
      width={420}
      className="dialog"
      title={preferences.title}
      onCancel={close}
      footer={<Button onClick={close}>{words.close}</Button>}
    >
      <div className="create">
        <Choice
          label={preferences.times}
          values={TIME_FORMS}
          names={preferences.timeForm}
          value={timeForm}
          onChange={setTimeForm}
        />
        <Choice
          label={preferences.timeZone}
          values={ZONES}
          names={preferences.zone(Intl.DateTimeFormat().resolvedOptions().timeZone)}
          value={zone}
          onChange={setZone}
        />
      </div>
    </Modal>
  )
}

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
