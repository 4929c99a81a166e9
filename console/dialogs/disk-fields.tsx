import { Input, Radio } from 'antd'
import { useId } from 'react'
import type { DiskKind } from '../api/disk.ts'
import { useWords } from '../settings.tsx'
import { Field } from './field.tsx'
import { useLimits } from './limits.ts'

interface TextFieldProps {
  label: string
  hint?: string
  problem?: string | undefined
  placeholder?: string
  maxLength?: number | undefined
  value: string
  onChange: (value: string) => void
}

/** One line of text. */
export function TextField({ label, hint, problem, placeholder, maxLength, value, onChange }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(id, describedBy) => (
        <Input
          id={id}
          aria-describedby={describedBy}
          placeholder={placeholder}
          maxLength={maxLength}
          autoComplete="off"
          value={value}
          {...(problem !== undefined && { status: 'error' as const, 'aria-invalid': true })}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  )
}

/** What a disk is described by, besides its name. */
export function DescriptionField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const words = useWords()
  const limits = useLimits(true)
  return (
    <TextField
      label={words.description}
      maxLength={limits?.descriptionLength}
      value={value}
      onChange={onChange}
    />
  )
}

export function KindField({ value, onChange }: { value: DiskKind; onChange: (kind: DiskKind) => void }) {
  const words = useWords()
  const label = useId()
  return (
    <div className="field">
      <span id={label}>{words.kind}</span>
      <Radio.Group
        aria-labelledby={label}
        optionType="button"
        value={value}
        options={(['DATA', 'SYSTEM'] as const).map((kind) => ({ value: kind, label: words.diskKind[kind] }))}
        onChange={({ target }) => onChange(target.value as DiskKind)}
      />
    </div>
  )
}

/** In which storage and zone a disk is. */
export interface Place {
  storageType: string
  zone: string
}

/** What the API takes a disk to be in that says nothing else. */
export const LOCAL: Place = { storageType: 'local', zone: 'local' }

export function PlaceFields({ place, onChange }: { place: Place; onChange: (place: Place) => void }) {
  const words = useWords()
  const limits = useLimits(true)
  return (
    <div className="fields">
      <TextField
        label={words.storageType}
        maxLength={limits?.diskLabelLength}
        value={place.storageType}
        onChange={(storageType) => onChange({ ...place, storageType })}
      />
      <TextField
        label={words.zone}
        maxLength={limits?.diskLabelLength}
        value={place.zone}
        onChange={(zone) => onChange({ ...place, zone })}
      />
    </div>
  )
}

/** To which instance a disk is attached, and as which device. */
export interface AttachmentDraft {
  instanceId: string
  device: string
}

interface AttachmentFieldsProps {
  attachment: AttachmentDraft
  onChange: (attachment: AttachmentDraft) => void
  problem?: string | undefined
}

export function AttachmentFields({ attachment, onChange, problem }: AttachmentFieldsProps) {
  const { attaching } = useWords()
  const limits = useLimits(true)
  return (
    <div className="fields">
      <TextField
        label={attaching.instance}
        maxLength={limits?.diskLabelLength}
        problem={problem}
        value={attachment.instanceId}
        onChange={(instanceId) => onChange({ ...attachment, instanceId })}
      />
      <TextField
        label={attaching.device}
        hint={attaching.deviceHint}
        maxLength={limits?.diskLabelLength}
        value={attachment.device}
        onChange={(device) => onChange({ ...attachment, device })}
      />
    </div>
  )
}

/** The attachment as the API takes it; a device that is not given is none. */
export const attachmentOf = ({ instanceId, device }: AttachmentDraft) => ({
  instanceId: instanceId.trim(),
  ...(device.trim() !== '' && { device: device.trim() }),
})
