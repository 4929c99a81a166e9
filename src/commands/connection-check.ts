import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cloud, SeenDisk, SeenSnapshot } from '../providers/cloud/cloud.ts'
import { allRows } from '../providers/cloud/pages.ts'

/** How often a snapshot in creation is looked at, and how long for. */
const LOOK_MS = 3_000
const PATIENCE_MS = 30 * 60_000

const signal = new AbortController().signal

/** Prints what an account has, without secrets; the disk of this id, or the first one. */
export async function report(cloud: Cloud, wanted: string | undefined): Promise<SeenDisk | undefined> {
  const disks = await allRows((cursor) => cloud.listDisks(cursor, signal))
  console.log(`${String(disks.length)} disks: ${counts(disks)}`)
  const snapshots = await allRows((cursor) => cloud.listSnapshots(cursor, signal))
  console.log(`${String(snapshots.length)} snapshots: ${counts(snapshots)}`)
  const id = wanted ?? disks[0]?.externalId
  const disk = id === undefined ? undefined : await cloud.readDisk(id, signal)
  if (id !== undefined && disk === undefined) throw new Error(`The cloud has no disk ${id}.`)
  if (disk) console.log(`Disk ${disk.externalId} "${disk.name}": ${describe(disk)}`)
  const quotas = await cloud.quota(signal)
  for (const { kind, diskExternalId, used, limit } of quotas.slice(0, 10))
    console.log(
      `${kind}${diskExternalId === null ? '' : ` of ${diskExternalId}`}: ${String(used)} of ${String(limit ?? 'no stated limit')}`,
    )
  if (quotas.length > 10) console.log(`… and ${String(quotas.length - 10)} more quotas`)
  const policies = await cloud.policies(signal)
  if (policies.length > 0)
    console.log(
      `${String(policies.length)} policies of the cloud: ${counts(policies.map(({ status }) => ({ rawStatus: status })))}`,
    )
  return disk
}

/** Creates a snapshot, follows it to its end, and deletes it. */
export async function tryWriting(cloud: Cloud, disk: SeenDisk): Promise<void> {
  const mark = randomUUID()
  const name = `snapgate-check-${mark.slice(0, 8)}`
  const { externalId, kind, instanceId } = disk
  const answer = await cloud.submit(
    {
      verb: 'createSnapshot',
      disk: { externalId, kind, instanceId },
      name,
      description: 'Snapgate checks a connection',
      mark,
      token: mark,
    },
    signal,
  )
  if (answer.outcome === 'refused' || answer.externalId === null)
    throw new Error(
      `The cloud refuses the snapshot: ${'code' in answer ? `${answer.code}: ${answer.message}` : ''}`,
    )
  console.log(`Created snapshot ${answer.externalId} (${name}).`)
  const end = await endOf(cloud, answer.externalId)
  console.log(`It ended as ${end.rawStatus}${end.reason === null ? '' : `: ${end.reason}`}.`)
  const deletion = await cloud.submit({ verb: 'deleteSnapshot', snapshotId: answer.externalId }, signal)
  if (deletion.outcome === 'refused')
    throw new Error(`The cloud refuses to delete it: ${deletion.code}: ${deletion.message}`)
  const until = Date.now() + PATIENCE_MS
  while (await cloud.readSnapshot(answer.externalId, signal)) {
    if (Date.now() > until) throw new Error('The snapshot is still there half an hour after its deletion.')
    await sleep(LOOK_MS)
  }
  console.log('Deleted it.')
}

async function endOf(cloud: Cloud, snapshotId: string): Promise<SeenSnapshot> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const seen = await cloud.readSnapshot(snapshotId, signal)
    // Right after its creation a snapshot may not be visible yet.
    if (seen && seen.status !== 'CREATING' && seen.status !== undefined) return seen
    if (Date.now() > until)
      throw new Error(`The snapshot is ${seen?.rawStatus ?? 'not visible'} after half an hour.`)
    await sleep(LOOK_MS)
  }
}

function counts(rows: readonly { rawStatus: string }[]): string {
  const groups = [...Map.groupBy(rows, ({ rawStatus }) => rawStatus)]
  return groups.map(([status, those]) => `${String(those.length)} ${status}`).join(', ') || 'none'
}

function describe({ kind, status, rawStatus, sizeBytes, instanceId }: SeenDisk): string {
  return [
    kind === 'SYSTEM' ? 'system disk' : 'data disk',
    `${rawStatus} (${status})`,
    sizeBytes === null ? 'size unknown' : `${String(sizeBytes / 2n ** 30n)} GiB`,
    instanceId === null ? 'not attached' : `attached to ${instanceId}`,
  ].join(', ')
}
