import { Input } from 'antd'
import { useState } from 'react'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import {
  NAME_REFUSAL,
  SNAPSHOT_STATUS_REFUSAL,
  CREATION_LIMIT_REFUSAL,
  SIZE_REFUSAL,
} from '../api/refusals.ts'
import { suggestName, useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain, reasonAgainst } from '../widgets/refusal.ts'
import { useChange, useClientTokens } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { Field, NameField, NumberField, useFirstField } from './field.tsx'
import { useLimits } from './limits.ts'
import { NothingYet, useNotice, useWantedSnapshot, type DetailedSnapshot } from './wanted-snapshot.tsx'

export const CREATE_DISK = graphql(
  `
    mutation CreateDisk($input: CreateDiskInput!) {
      createDisk(input: $input) {
        __typename
        ... on CreateDiskPayload {
          disk {
            ...Disk
          }
        }
        ...NameRefusal
        ...SnapshotStatusRefusal
        ...CreationLimitRefusal
        ...SizeRefusal
        ... on ClientTokenReused {
          message
        }
        ... on SnapshotNotFound {
          message
        }
        ... on SystemSnapshotForbidsDisk {
          message
        }
      }
    }
  `,
  [DISK, NAME_REFUSAL, SIZE_REFUSAL, SNAPSHOT_STATUS_REFUSAL, CREATION_LIMIT_REFUSAL],
)

/** Asks for a disk with the content of the snapshot that `create-disk` names in the address. */
export function CreateDisk() {
  const { opened, ...asked } = useAsked('create-disk')
  return <CreateDialog key={opened} asked={asked} />
}

function CreateDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { snapshot, ...wanted } = useWantedSnapshot(asked)
  const { outcome, refusal, send } = useChange(CREATE_DISK)
  const tokenFor = useClientTokens()
  const limits = useLimits(asked.open)
  const [name, setName] = useState<string>()
  const [sizeGiB, setSize] = useState<number | null>(null)
  const [storageType, setStorageType] = useState<string>()
  const reason =
    snapshot && outcome === undefined
      ? reasonAgainst(snapshot.createDiskEligibility, words, format)
      : undefined
  const firstName = useFirstField(asked.open && snapshot !== undefined)

  async function submit(): Promise<void> {
    if (!snapshot) return
    const input = {
      snapshotId: snapshot.id,
      name: name ?? suggestedName(snapshot),
      ...(sizeGiB !== null && { sizeGiB }),
      ...(storage && { storageType: storage }),
    }
    const payload = await send({ input: { ...input, clientToken: tokenFor(input) } })
    if (!payload) return
    asked.close()
    notice(words.newDisk.started(payload.disk.name), {
      to: `/disks/${payload.disk.id}`,
      label: words.newDisk.view,
    })
  }

  const suggestedName = (of: DetailedSnapshot) =>
    suggestName(of.name, words.newDisk.suffix, limits?.nameLength)
  const sizes = snapshot?.createDiskSizeGiB
  const sizeProblem =
    sizes && sizeGiB !== null && (sizeGiB < sizes.min || sizeGiB > sizes.max)
      ? words.refusal.size(format.number(sizes.min), format.number(sizes.max))
      : undefined
  const storage = storageType ?? snapshot?.disk?.storageType ?? ''
  return (
    <Dialog
      asked={asked}
      title={words.newDisk.title}
      verb={words.confirm}
      needs="manageDisks"
      ready={snapshot !== undefined && sizeProblem === undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!snapshot && <NothingYet {...wanted} />}
      {snapshot && (
        <>
          <div className="summary">
            <strong>{snapshot.name}</strong>
            <code>{snapshot.id}</code>
            <span>{snapshot.disk?.name ?? words.released}</span>
            <span>{format.gib(snapshot.sizeGiB)}</span>
          </div>
          <NameField
            ref={firstName}
            label={words.newDisk.name}
            value={name ?? suggestedName(snapshot)}
            onChange={setName}
            refusal={refusal}
          />
          <NumberField
            label={words.newDisk.size}
            hint={words.newDisk.sizeHint(
              format.gib(snapshot.sizeGiB),
              format.number(snapshot.createDiskSizeGiB.min),
              format.number(snapshot.createDiskSizeGiB.max),
            )}
            problem={
              sizeProblem ??
              (refusal?.__typename === 'DiskSizeRefused' ? explain(refusal, words, format) : undefined)
            }
            value={sizeGiB}
            onChange={setSize}
          />
          <Field label={words.storageType} hint={words.newDisk.storageHint}>
            {(id, describedBy) => (
              <Input
                id={id}
                aria-describedby={describedBy}
                value={storage}
                onChange={({ target }) => setStorageType(target.value)}
              />
            )}
          </Field>
          <Trouble outcome={outcome} besides={['InvalidName', 'DiskSizeRefused']} />
        </>
      )}
    </Dialog>
  )
}
