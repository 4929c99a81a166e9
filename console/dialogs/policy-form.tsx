import { Alert, Checkbox, Select, type InputRef } from 'antd'
import { useId, useState, type Ref } from 'react'
import { useQuery } from 'urql'
import { graphql, type EnumOf, type VariablesOf } from '../api/graphql.ts'
import { POLICY } from '../api/policy.ts'
import { NAME_REFUSAL, POLICY_QUOTA_REFUSAL, POLICY_RULES_REFUSAL, type Refusal } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain } from '../widgets/refusal.ts'
import { NO_EXPIRY, HOURS, hourName, WEEK } from '../widgets/schedule.ts'
import { Field, NameField, NumberField } from './field.tsx'
import { useRetentionProblem } from './limits.ts'

export const CREATE_POLICY = graphql(
  `
    mutation CreatePolicy($input: CreateAutoSnapshotPolicyInput!) {
      createAutoSnapshotPolicy(input: $input) {
        __typename
        ... on CreateAutoSnapshotPolicyPayload {
          policy {
            ...Policy
          }
        }
        ...NameRefusal
        ...PolicyRulesRefusal
        ...PolicyQuotaRefusal
      }
    }
  `,
  [POLICY, NAME_REFUSAL, POLICY_RULES_REFUSAL, POLICY_QUOTA_REFUSAL],
)

/** The time zone of the browser. The API may not know it: some say Etc/Unknown. */
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** A policy that is to be created. */
export type PolicyDraft = Required<VariablesOf<typeof CREATE_POLICY>['input']>

/** Every night, in the reader's time zone. */
function newPolicy(): PolicyDraft {
  return {
    name: '',
    timePoints: [2],
    repeatWeekdays: [...WEEK],
    retentionDays: NO_EXPIRY,
    timeZone: OWN_ZONE,
  }
}

/** The time zones that a policy may have, and whether this is a name of one. */
const TIME_ZONES = graphql(`
  query TimeZones($name: String!) {
    limits {
      timeZones
      acceptsTimeZone(name: $name)
    }
  }
`)

/** A policy as it is written, and the time zones that it may have. */
export function usePolicyDraft(open: boolean) {
  const [edited, setDraft] = useState(newPolicy)
  const [{ data: known }] = useQuery({
    query: TIME_ZONES,
    variables: { name: OWN_ZONE },
    pause: !open,
    requestPolicy: 'cache-first',
  })
  // What the browser calls its time zone may be no time zone to the API.
  const isKnown = edited.timeZone !== OWN_ZONE || known?.limits.acceptsTimeZone !== false
  return {
    draft: isKnown ? edited : { ...edited, timeZone: 'UTC' },
    setDraft,
    zones: known?.limits.timeZones ?? [],
  }
}

interface PolicyFormProps {
  ref: Ref<InputRef>
  draft: PolicyDraft
  /** The time zones to choose from. */
  zones: readonly string[]
  onChange: (draft: PolicyDraft) => void
  refusal: Refusal | undefined
}

/** What a new policy is to be; what is refused is said under the field. */
export function PolicyForm({ ref, draft, zones, onChange, refusal }: PolicyFormProps) {
  const words = useWords()
  const format = useFormat()
  const days = useId()
  const change = (changes: Partial<PolicyDraft>) => onChange({ ...draft, ...changes })
  const isBroken = (rule: EnumOf<'AutoSnapshotPolicyRule'>) =>
    refusal?.__typename === 'InvalidPolicy' &&
    'brokenPolicyRules' in refusal &&
    refusal.brokenPolicyRules.includes(rule)
  const broken = (rule: Exclude<EnumOf<'AutoSnapshotPolicyRule'>, 'RETENTION_DAYS'>) =>
    isBroken(rule) ? words.policy.refusal.rules[rule] : undefined
  const retentionProblem = useRetentionProblem(true)
  const { retentionDays } = draft
  return (
    <div className="new-policy">
      <NameField
        ref={ref}
        label={words.policy.name}
        value={draft.name}
        onChange={(name) => change({ name })}
        refusal={refusal}
      />
      <div className="field">
        <span id={days}>{words.policy.days}</span>
        <Checkbox.Group
          role="group"
          aria-labelledby={days}
          value={draft.repeatWeekdays}
          options={WEEK.map((day) => ({ value: day, label: format.weekday(day) }))}
          onChange={(repeatWeekdays) => change({ repeatWeekdays })}
        />
        {broken('REPEAT_WEEKDAYS') !== undefined && (
          <div className="problem" role="alert">
            {broken('REPEAT_WEEKDAYS')}
          </div>
        )}
      </div>
      <Field label={words.policy.hours} problem={broken('TIME_POINTS')}>
        {(id, describedBy) => (
          // The list stays open, and would take Tab for one more choice.
          <div onKeyDownCapture={(event) => event.key === 'Tab' && event.stopPropagation()}>
            <Select
              mode="multiple"
              className="hours"
              showSearch={{ optionFilterProp: 'label' }}
              id={id}
              aria-describedby={describedBy}
              placeholder={words.policy.chooseHours}
              value={draft.timePoints}
              options={HOURS.map((hour) => ({ value: hour, label: hourName(hour) }))}
              onChange={(timePoints: number[]) =>
                change({ timePoints: timePoints.toSorted((a, b) => a - b) })
              }
            />
          </div>
        )}
      </Field>
      <Field label={words.policy.timeZone} problem={broken('TIME_ZONE')}>
        {(id, describedBy) => (
          <Select
            showSearch
            id={id}
            aria-describedby={describedBy}
            value={draft.timeZone}
            options={[...new Set([draft.timeZone, ...zones])].map((zone) => ({ value: zone, label: zone }))}
            onChange={(timeZone) => change({ timeZone })}
          />
        )}
      </Field>
      <NumberField
        label={words.policy.keepDays}
        hint={words.policy.keepHint}
        problem={
          isBroken('RETENTION_DAYS')
            ? (retentionProblem(retentionDays) ?? (refusal && explain(refusal, words, format)))
            : undefined
        }
        value={retentionDays === NO_EXPIRY ? null : retentionDays}
        onChange={(days) => change({ retentionDays: days ?? NO_EXPIRY })}
      />
      {refusal?.__typename === 'PolicyQuotaExceeded' && (
        <Alert type="error" showIcon title={explain(refusal, words, format)} />
      )}
    </div>
  )
}
