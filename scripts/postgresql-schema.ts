/** The schema of PostgreSQL, made from the one schema that is written by hand. */

const NOTICE = `/// The tables of Snapgate on PostgreSQL. Made from ../schema.prisma by \`npm run generate\`; do not edit it.
/// Statuses and kinds are text, as on SQLite: a release that knows more of them needs no migration.`

/** What the gateway asks of PostgreSQL itself. Lists and histories are read from the replica, which has their indexes. */
const INDEXES: Record<string, readonly string[]> = {
  ApiToken: ['accountId, createdAt, id'],
  Connection: ['accountId, createdAt, id'],
  Disk: ['provider, host, identity', 'accountId, createdAt, id', 'policyId, id'],
  Snapshot: ['accountId, createdAt, id', 'diskId, type, status', 'expiresAt, id'],
  SnapshotTransition: ['snapshotId, position'],
  DiskTransition: ['diskId, position'],
  Job: ['connectionId', 'snapshotId', 'diskId'],
  Activity: ['at'],
  DailyUsage: ['day'],
  IdempotencyKey: ['createdAt'],
  AutoSnapshotPolicy: ['accountId, createdAt, id', 'dueAt'],
  AutoSnapshotRun: ['policyId, scheduledFor, id', 'scheduledFor'],
  AutoSnapshotRunDisk: ['outcome, id', 'runId, outcome'],
}

/** The same tables and columns, in the words of PostgreSQL. */
export function postgresqlSchema(schema: string): string {
  const enums = [...schema.matchAll(/^enum (\w+)/gm)].map(([, name = '']) => name)
  const models = [...schema.matchAll(/^(?:\/\/\/[^\n]*\n)*model (\w+) \{\n.*?^\}\n/gms)]
  const generator = /^generator .*?^\}\n/ms.exec(schema)?.[0] ?? ''
  return [
    `${NOTICE}\n`,
    generator.replace('../src/generated/prisma', '../../src/generated/postgresql'),
    'datasource db {\n  provider = "postgresql"\n}\n',
    ...models.map(([text, name = '']) => modelOf(text, name, enums)),
  ].join('\n')
}

function modelOf(text: string, name: string, enums: readonly string[]): string {
  const lines = text.split('\n').filter((line) => {
    const [, columns] = /^ {2}@@index\(\[(.*)\]\)/.exec(line) ?? []
    return columns === undefined || INDEXES[name]?.includes(columns)
  })
  return lines.map((line) => lineOf(line, enums)).join('\n')
}

function lineOf(line: string, enums: readonly string[]): string {
  const [, start = '', type = '', mark = '', rest = ''] = /^( {2}\w+ +)(\w+)(\?|\[\])?(.*)$/.exec(line) ?? []
  if (enums.includes(type))
    return `${start}String${mark}${rest.replace(/@default\((\w+)\)/, '@default("$1")')}`.trimEnd()
  if (type === 'DateTime') return `${start}DateTime${mark} @db.Timestamptz(3)${rest}`
  // A sequence for all accounts would not be in the order of commits.
  if (/^ {2}position +Int +@id/.test(line)) return `${start}Int @default(dbgenerated())`
  if (line === '  @@unique([accountId, sequence])') return '  @@id([accountId, sequence])'
  return line.replace('The order of commits over all accounts.', 'The same as `sequence`.')
}
