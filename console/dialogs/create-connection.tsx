import { Radio } from 'antd'
import { useId, useState } from 'react'
import type { CloudProvider } from '../api/connection.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain } from '../widgets/refusal.ts'
import { useConnectionWords } from '../words/connections.ts'
import { argumentsIn, useChange, type Outcome } from './change.ts'
import { CREATE_CONNECTION } from './connection-creation.ts'
import { credentialsInput, CredentialsFields, noCredentials } from './credentials.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { TextField } from './disk-fields.tsx'
import { NameField, useFirstField } from './field.tsx'
import { useLimits } from './limits.ts'
import { useNotice } from './wanted-snapshot.tsx'

const PROVIDERS: readonly CloudProvider[] = ['BAIDU', 'CINDER']

/** The refusals that are said at a field. */
const AT_FIELDS = ['InvalidName', 'EndpointNotAllowed', 'ConnectionCredentialsRefused'] as const

interface CreateConnectionProps {
  onDone: (() => void) | undefined
}

/** Creates a connection to a cloud, while the address says `create-connection`. */
export function CreateConnection({ onDone }: CreateConnectionProps) {
  const { opened, ...asked } = useAsked('create-connection')
  return <CreateDialog key={opened} asked={asked} onDone={onDone} />
}

function CreateDialog({ asked, onDone }: CreateConnectionProps & { asked: Asked }) {
  const words = useConnectionWords()
  const { confirm } = useWords()
  const format = useFormat()
  const notice = useNotice()
  const limits = useLimits(asked.open)
  const { outcome, refusal, send } = useChange(CREATE_CONNECTION)
  const problems = useProblems(outcome)
  const [name, setName] = useState('')
  const [provider, setProvider] = useState<CloudProvider>('BAIDU')
  const [region, setRegion] = useState('')
  const [endpoint, setEndpoint] = useState('')
  const [typed, setTyped] = useState(noCredentials('BAIDU'))
  const firstName = useFirstField(asked.open)
  const credentials = credentialsInput(typed)
  const isComplete = region.trim() !== '' && (provider === 'BAIDU' || endpoint.trim() !== '')

  async function submit(): Promise<void> {
    if (!credentials) return
    const payload = await send({
      input: { name, provider, region: region.trim(), endpoint: endpoint.trim() || null, credentials },
    })
    if (!payload) return
    onDone?.()
    asked.close()
    const { connection } = payload
    notice(words.created(connection.name), { to: `/connections/${connection.id}`, label: words.view })
  }

  return (
    <Dialog
      asked={asked}
      title={words.createTitle}
      verb={confirm}
      needs="manageConnections"
      ready={isComplete && credentials !== undefined}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      <NameField ref={firstName} label={words.name} value={name} onChange={setName} refusal={refusal} />
      <ProviderField
        value={provider}
        onChange={(next) => {
          setProvider(next)
          setTyped(noCredentials(next))
        }}
      />
      <TextField
        label={words.region}
        hint={limits ? words.regionHint(format.number(limits.regionLength)) : ''}
        problem={problems.region}
        maxLength={limits?.regionLength}
        value={region}
        onChange={setRegion}
      />
      <TextField
        label={words.endpoint}
        hint={words.endpointHint[provider]}
        problem={problems.endpoint}
        maxLength={limits?.endpointLength}
        value={endpoint}
        onChange={setEndpoint}
      />
      <CredentialsFields
        provider={provider}
        value={typed}
        onChange={setTyped}
        problem={problems.credentials}
      />
      {problems.isElsewhere && <Trouble outcome={outcome} besides={AT_FIELDS} />}
    </Dialog>
  )
}

function ProviderField({
  value,
  onChange,
}: {
  value: CloudProvider
  onChange: (provider: CloudProvider) => void
}) {
  const words = useWords()
  const label = useId()
  return (
    <div className="field">
      <span id={label}>{words.providerLabel}</span>
      <Radio.Group
        aria-labelledby={label}
        optionType="button"
        value={value}
        onChange={({ target }) => onChange(target.value as CloudProvider)}
        options={PROVIDERS.map((provider) => ({ value: provider, label: words.provider[provider] }))}
      />
    </div>
  )
}

/** What the gateway says of the fields besides the name, and whether there is anything that no field says. */
export function useProblems(outcome: Outcome<unknown> | undefined) {
  const common = useWords()
  const words = useConnectionWords()
  const format = useFormat()
  const refusal = outcome?.is === 'refused' ? outcome.refusal : undefined
  const isBad = (field: string) => outcome?.is === 'failed' && argumentsIn(outcome.error).includes(field)
  const isRefused = refusal?.__typename === 'EndpointNotAllowed'
  const problems = {
    region: isBad('region') ? words.badRegion : undefined,
    endpoint: isRefused
      ? words.notAllowed(refusal.message)
      : isBad('endpoint')
        ? words.badEndpoint
        : undefined,
    credentials:
      refusal?.__typename === 'ConnectionCredentialsRefused'
        ? explain(refusal, common, format)
        : isBad('credentials')
          ? words.credentialsTooLong
          : undefined,
  }
  return { ...problems, isElsewhere: Object.values(problems).every((problem) => problem === undefined) }
}
