import { Input, Radio } from 'antd'
import { useId } from 'react'
import type { CloudProvider } from '../api/connection.ts'
import { useConnectionWords } from '../words/connections.ts'
import type { CredentialsInput } from './connection-creation.ts'
import { TextField } from './disk-fields.tsx'
import { Field } from './field.tsx'
import { useLimits } from './limits.ts'

/** The fields of each kind of credentials, as the API names them: what is secret, and what can be left empty. */
const FIELDS = {
  baiduKey: [
    { name: 'accessKeyId' },
    { name: 'secretAccessKey', secret: true },
    { name: 'sessionToken', secret: true, optional: true },
  ],
  applicationCredential: [{ name: 'id' }, { name: 'secret', secret: true }],
  password: [
    { name: 'user' },
    { name: 'password', secret: true },
    { name: 'project' },
    { name: 'userDomain', optional: true },
    { name: 'projectDomain', optional: true },
  ],
  reference: [{ name: 'reference' }],
} as const

type Kind = keyof typeof FIELDS
type FieldName = (typeof FIELDS)[Kind][number]['name']

interface CredentialField {
  name: FieldName
  secret?: true
  optional?: true
}

const fieldsOf = (kind: Kind): readonly CredentialField[] => FIELDS[kind]

/** The kinds that each cloud takes, the usual one first. */
const KINDS: Record<CloudProvider, readonly [Kind, ...Kind[]]> = {
  BAIDU: ['baiduKey', 'reference'],
  CINDER: ['applicationCredential', 'password', 'reference'],
}

/** Credentials as they are being typed. */
export interface TypedCredentials {
  kind: Kind
  values: Partial<Record<FieldName, string>>
}

export const noCredentials = (provider: CloudProvider): TypedCredentials => ({
  kind: KINDS[provider][0],
  values: {},
})

/** The credentials as the API takes them; undefined while some of them are missing. */
export function credentialsInput({ kind, values }: TypedCredentials): CredentialsInput | undefined {
  const fields = fieldsOf(kind)
  if (fields.some(({ name, optional }) => !optional && !values[name])) return undefined
  if (kind === 'reference') return { reference: values.reference ?? '' }
  const given: unknown = Object.fromEntries(
    fields.map(({ name }) => [name, values[name]]).filter(([, value]) => value),
  )
  return { [kind]: given } as unknown as CredentialsInput
}

interface CredentialsFieldsProps {
  provider: CloudProvider
  value: TypedCredentials
  onChange: (value: TypedCredentials) => void
  problem: string | undefined
}

/** Asks for credentials. What is secret is not shown while it is typed. */
export function CredentialsFields({ provider, value, onChange, problem }: CredentialsFieldsProps) {
  const words = useConnectionWords()
  const label = useId()
  const text = useId()
  const { kind, values } = value
  return (
    <>
      <div className="field">
        <span id={label}>{words.credentials}</span>
        <Radio.Group
          aria-labelledby={label}
          aria-describedby={text}
          optionType="button"
          value={kind}
          onChange={({ target }) => onChange({ kind: target.value as Kind, values: {} })}
          options={KINDS[provider].map((one) => ({ value: one, label: words.kind[one] }))}
        />
        <div id={text}>
          {problem !== undefined && (
            <div className="problem" role="alert">
              {problem}
            </div>
          )}
          <div className="hint">{kind === 'reference' ? words.referenceHint : words.credentialsHint}</div>
        </div>
      </div>
      {fieldsOf(kind).map((field) => (
        <CredentialInput
          key={`${kind} ${field.name}`}
          field={field}
          value={values[field.name] ?? ''}
          onChange={(next) => onChange({ kind, values: { ...values, [field.name]: next } })}
        />
      ))}
    </>
  )
}

interface CredentialInputProps {
  field: CredentialField
  value: string
  onChange: (value: string) => void
}

function CredentialInput({ field: { name, secret }, value, onChange }: CredentialInputProps) {
  const words = useConnectionWords()
  const limits = useLimits(true)
  const label = words.field[name]
  const hint = words.fieldHint[name]
  if (!secret)
    return (
      <TextField
        label={label}
        {...(hint !== undefined && { hint })}
        maxLength={name === 'reference' ? limits?.credentialReferenceLength : limits?.credentialNameLength}
        value={value}
        onChange={onChange}
      />
    )
  return (
    <Field label={label} hint={hint}>
      {(id, describedBy) => (
        <Input.Password
          id={id}
          aria-describedby={describedBy}
          autoComplete="off"
          maxLength={limits?.credentialsBytes}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  )
}
