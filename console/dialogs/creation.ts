import { useRef, useState } from 'react'
import { useClient } from 'urql'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { NAME_REFUSAL, QUOTA_REFUSAL, REFUSAL, STATUS_REFUSAL } from '../api/refusals.ts'
import { SNAPSHOT, type Snapshot } from '../api/snapshot.ts'
import { ask, useClientTokens, type Outcome } from './change.ts'

const CREATE_SNAPSHOT = graphql(
  `
    mutation CreateSnapshot($input: CreateSnapshotInput!) {
      createSnapshot(input: $input) {
        __typename
        ... on CreateSnapshotPayload {
          snapshot {
            ...Snapshot
          }
          warnings {
            code
            message
          }
        }
        ...StatusRefusal
        ...QuotaRefusal
        ...NameRefusal
        ... on ClientTokenReused {
          message
        }
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, NAME_REFUSAL, STATUS_REFUSAL, QUOTA_REFUSAL],
)

const CREATE_SNAPSHOTS = graphql(
  `
    mutation CreateSnapshots($input: CreateSnapshotsInput!) {
      createSnapshots(input: $input) {
        __typename
        ... on CreateSnapshotsPayload {
          items {
            diskId
            snapshot {
              ...Snapshot
            }
            refusal {
              ...Refusal
            }
          }
        }
        ...NameRefusal
        ... on ClientTokenReused {
          message
        }
      }
    }
  `,
  [SNAPSHOT, REFUSAL, NAME_REFUSAL],
)

export type CreateInput = VariablesOf<typeof CREATE_SNAPSHOT>['input']
type CreateTogetherInput = VariablesOf<typeof CREATE_SNAPSHOTS>['input']

/** The outcome for one disk. */
export type SnapshotOutcome = Outcome<{ snapshot: Snapshot }>
type Outcomes = Record<string, SnapshotOutcome>

/** Creates snapshots, and keeps the outcome for each disk. */
export function useCreation() {
  const client = useClient()
  const tokenFor = useClientTokens()
  const [outcomes, setOutcomes] = useState<Outcomes>({})
  const sending = useRef(false)
  const withToken = <Input extends object>(input: Input) => ({ ...input, clientToken: tokenFor(input) })

  async function createOne(input: CreateInput): Promise<Snapshot | undefined> {
    const note = (outcome: SnapshotOutcome) =>
      setOutcomes((before) => ({ ...before, [input.diskId]: outcome }))
    note({ is: 'sending' })
    const outcome = await ask(client, CREATE_SNAPSHOT, { input: withToken(input) })
    note(outcome)
    return outcome.is === 'done' ? outcome.payload.snapshot : undefined
  }

  async function createAll(input: CreateTogetherInput): Promise<Outcomes> {
    const outcome = await ask(client, CREATE_SNAPSHOTS, { input: withToken({ ...input, consistent: true }) })
    if (outcome.is !== 'done') return Object.fromEntries(input.diskIds.map((id) => [id, outcome]))
    const results = outcome.payload.items.map(({ diskId, snapshot, refusal }): [string, SnapshotOutcome] => [
      diskId,
      snapshot
        ? { is: 'done', payload: { snapshot } }
        : { is: 'refused', refusal: refusal ?? { __typename: 'OtherSnapshotRefused', message: '' } },
    ])
    return Object.fromEntries(results)
  }

  /** The snapshots that the work made; none while others are being made. */
  async function alone(work: () => Promise<(Snapshot | undefined)[]>): Promise<Snapshot[]> {
    if (sending.current) return []
    sending.current = true
    const made = await work()
    sending.current = false
    return made.filter((snapshot) => snapshot !== undefined)
  }

  return {
    outcomes,
    /** Each for itself. Those that were created before are left as they are. */
    create: (inputs: readonly CreateInput[]) =>
      alone(() => Promise.all(inputs.filter(({ diskId }) => outcomes[diskId]?.is !== 'done').map(createOne))),
    /** All or none. */
    createTogether: (input: CreateTogetherInput) =>
      alone(async () => {
        setOutcomes(Object.fromEntries(input.diskIds.map((id) => [id, { is: 'sending' }])))
        const results = await createAll(input)
        setOutcomes(results)
        return Object.values(results).map((outcome) =>
          outcome.is === 'done' ? outcome.payload.snapshot : undefined,
        )
      }),
  }
}
