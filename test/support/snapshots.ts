import { isUnionType } from 'graphql'
import type { Disk, Snapshot } from '../../src/generated/prisma/client.ts'
import { schema } from '../../src/graphql/schema.ts'
import type { TestApp } from './app.ts'

/** Takes a snapshot of the disk as a client does, and has it completed. */
export async function completed(app: TestApp, disk: Pick<Disk, 'id'>, input: object = {}): Promise<string> {
  const id = await app.snapshot(disk, input)
  await app.runner.tick()
  return id
}

/** The facts of refusals that tests look at. */
const FACTS: Record<string, string> = {
  SnapshotStatusForbidsOperation: 'code operation actual',
  DiskStatusForbidsOperation: 'code diskOperation: operation diskStatus: actual',
  SnapshotInUse: 'code snapshotId',
  DiskSizeRefused: 'code sizeGiB minGiB maxGiB',
  DiskCreationLimitExceeded: 'code limit',
}

/** Runs a mutation that takes an input, and gives its answer: what is selected of its payload, or a refusal with its facts. */
export async function mutate(
  app: Pick<TestApp, 'graphql'>,
  name: string,
  input: object,
  selection = '__typename',
): Promise<any> {
  const Name = name.charAt(0).toUpperCase() + name.slice(1)
  const result = schema.getType(`${Name}Result`)
  if (!isUnionType(result)) throw new Error(`There is no mutation ${name}.`)
  const members = result.getTypes().map((member) => {
    const fields = member.name === `${Name}Payload` ? selection : (FACTS[member.name] ?? 'code')
    return `... on ${member.name} { ${fields} }`
  })
  const { data, errors } = await app.graphql(
    `mutation ($input: ${Name}Input!) { ${name}(input: $input) { __typename ${members.join(' ')} } }`,
    { input },
  )
  if (errors) throw new Error(JSON.stringify(errors))
  return data[name]
}

/** Records a snapshot in a status, without a copy behind it, as the gateway would have left it. */
export async function recorded(
  app: TestApp,
  disk: Disk,
  snapshot: Partial<Snapshot> & Pick<Snapshot, 'id' | 'status'>,
): Promise<void> {
  await app.db.snapshot.create({
    data: {
      accountId: disk.accountId,
      diskId: disk.id,
      diskKind: disk.kind,
      name: 'recorded',
      type: 'MANUAL',
      sizeBytes: disk.sizeBytes,
      createdAt: new Date('2026-01-01T00:00:00Z'),
      ...snapshot,
    },
  })
}

/** The stored transitions of all snapshots, or disks, as they are read. */
export async function stepsOf(app: TestApp, id: string): Promise<(string | null)[][]> {
  const where = { where: id.startsWith('s-') ? { snapshotId: id } : { diskId: id } }
  const rows = id.startsWith('s-')
    ? await app.db.snapshotTransition.findMany({ ...where, orderBy: { sequence: 'asc' } })
    : await app.db.diskTransition.findMany({ ...where, orderBy: { sequence: 'asc' } })
  return rows.map(({ from, to, reason }) => (reason === null ? [from, to] : [from, to, reason]))
}
