import { Alert, Radio } from 'antd'
import { use, useId, useState } from 'react'
import { graphql, type EnumOf } from '../api/graphql.ts'
import { NAME_REFUSAL } from '../api/refusals.ts'
import { authorization, SignInContext } from '../api/session.ts'
import { TOKEN } from '../api/token.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NameField, NumberField, useFirstField } from './field.tsx'
import { useLimits } from './limits.ts'

const CREATE_TOKEN = graphql(
  `
    mutation CreateToken($input: CreateApiTokenInput!) {
      createApiToken(input: $input) {
        __typename
        ... on CreateApiTokenPayload {
          token
          apiToken {
            ...Token
          }
        }
        ...NameRefusal
      }
    }
  `,
  [TOKEN, NAME_REFUSAL],
)

type Role = EnumOf<'Role'>
const ROLES: readonly Role[] = ['VIEWER', 'OPERATOR', 'ADMIN']

interface CreateTokenProps {
  onDone: (() => void) | undefined
}

/** Creates an API token, while the address says `create-token`, and shows it once. */
export function CreateToken({ onDone }: CreateTokenProps) {
  const { opened, ...asked } = useAsked('create-token')
  return <CreateDialog key={opened} asked={asked} onDone={onDone} />
}

function CreateDialog({ asked, onDone }: CreateTokenProps & { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const goOnAs = use(SignInContext)
  const { outcome, refusal, send } = useChange(CREATE_TOKEN)
  const days = useLimits(asked.open)?.apiTokenDays
  // The first one ends open access, and this tab goes on with it: it may do what could be done before.
  const [isFirst] = useState(() => authorization() === undefined)
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>(isFirst ? 'ADMIN' : 'OPERATOR')
  const [expiresInDays, setDays] = useState<number | null>(null)
  const firstName = useFirstField(asked.open)
  const made = outcome?.is === 'done' ? outcome.payload : undefined
  const problem =
    days && expiresInDays !== null && (expiresInDays < days.min || expiresInDays > days.max)
      ? words.access.daysRule(format.number(days.min), format.number(days.max))
      : undefined

  async function submit(): Promise<void> {
    const payload = await send({ input: { name, role, expiresInDays } })
    if (!payload) return
    if (isFirst) goOnAs(payload.token)
    else onDone?.()
  }

  return (
    <Dialog
      asked={asked}
      title={words.access.create}
      verb={words.confirm}
      needs="manageTokens"
      ready={problem === undefined}
      sending={outcome?.is === 'sending'}
      over={made !== undefined}
      submit={submit}
    >
      {made ? (
        <>
          <Alert
            type="success"
            showIcon
            title={words.access.created(made.apiToken.name)}
            description={words.access.once}
          />
          <Copyable text={made.token} />
        </>
      ) : (
        <>
          {isFirst && <Alert type="warning" showIcon title={words.access.first} />}
          <NameField
            ref={firstName}
            label={words.access.name}
            value={name}
            onChange={setName}
            refusal={refusal}
          />
          <RoleField roles={isFirst ? ['ADMIN'] : ROLES} value={role} onChange={setRole} />
          <NumberField
            label={words.access.days}
            hint={words.access.daysHint}
            problem={problem}
            value={expiresInDays}
            onChange={setDays}
          />
        </>
      )}
      <Trouble outcome={outcome} besides={['InvalidName']} />
    </Dialog>
  )
}

interface RoleFieldProps {
  roles: readonly Role[]
  value: Role
  onChange: (role: Role) => void
}

function RoleField({ roles, value, onChange }: RoleFieldProps) {
  const words = useWords()
  const label = useId()
  return (
    <div className="field">
      <span id={label}>{words.access.roleOf}</span>
      <Radio.Group
        className="policies"
        aria-labelledby={label}
        value={value}
        onChange={({ target }) => onChange(target.value as Role)}
      >
        {roles.map((role) => (
          <Radio key={role} value={role}>
            {words.viewer.role[role]}
            <span className="hint">{words.access.roleHint[role]}</span>
          </Radio>
        ))}
      </Radio.Group>
    </div>
  )
}
