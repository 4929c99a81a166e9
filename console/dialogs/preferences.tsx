import { Button, Modal } from 'antd'
import { useSettings } from '../settings.tsx'
import { TIME_FORMS, ZONES } from '../times.ts'
import { Choice } from '../widgets/choice.tsx'

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
