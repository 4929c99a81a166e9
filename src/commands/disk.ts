/** `npm run disk -- add|list`: registers image files as disks, and lists them, also while the gateway runs. */
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { ConfigError } from '../config.ts'
import { loadConfig } from '../environment.ts'
import { openForCommand } from '../database/start.ts'
import { DISK_KINDS } from '../domain/disk.ts'
import { createLocalProvider } from '../providers/local/local.ts'
import { existingAccount, LOCAL_ACCOUNT_NAME, localViewer } from '../services/accounts.ts'
import { newRandomId } from '../services/clock.ts'
import { diskPlaces, diskPlacesProblems, makeLocationsRelative } from '../services/disk-places.ts'
import { DiskLooks } from '../services/disk-looks.ts'
import { registerDisk } from '../services/disk-registration.ts'
import { runCommand, UsageError } from './command.ts'

const USAGE = `Usage:
  npm run disk -- add <image> --name <name> --kind data|system [--description <text>]
                  [--instance <id> [--device <device>]] [--storage-type <type>] [--zone <zone>]
                  [--account <name>]
  npm run disk -- list [--account <name>]

Images must lie in <DATA_DIR>/disks or in a directory named by DISK_DIRS: directories separated by colons, each
preceded by <account>= when it is for the disks of one account alone.
The account is "${LOCAL_ACCOUNT_NAME}" unless named.`

const now = () => new Date()

await runCommand(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      kind: { type: 'string' },
      description: { type: 'string', default: '' },
      instance: { type: 'string' },
      device: { type: 'string' },
      'storage-type': { type: 'string', default: 'local' },
      zone: { type: 'string', default: 'local' },
      account: { type: 'string', default: LOCAL_ACCOUNT_NAME },
    },
  })
  const [verb, image, ...more] = positionals
  const config = await loadConfig(process.env, console.error)
  const problems = await diskPlacesProblems(config)
  if (problems.length > 0) throw new ConfigError(problems)
  await using db = await openForCommand(config)
  await mkdir(config.dataDir, { recursive: true })
  await makeLocationsRelative(db, config.dataDir)
  await localViewer(db, now)
  await using provider = createLocalProvider({
    ...(await diskPlaces(config, db, { now, newId: newRandomId })),
    host: config.hostLabel,
  })
  const accountId = (await existingAccount(db, values.account)).id

  if (verb === 'list' && image === undefined) {
    const disks = await db.disk.findMany({
      where: { accountId, provider: provider.name, host: provider.host },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    })
    for (const { id, kind, status, name, location } of disks)
      console.log([id, kind, status, name, provider.places.pathOf(location)].join('\t'))
    return
  }

  const kind = DISK_KINDS.find((known) => known === values.kind?.toUpperCase())
  if (verb !== 'add' || image === undefined || more.length > 0) throw new UsageError()
  if (values.name === undefined) throw new UsageError('--name is missing.')
  if (kind === undefined) throw new UsageError('--kind must be data or system.')
  // A gateway that runs reads the log by itself.
  const announce = () => undefined
  const disk = await registerDisk(
    {
      db,
      provider,
      looks: new DiskLooks({ db, provider, announce, now }),
      locate: provider.locate,
      announce,
      now,
      newId: newRandomId,
    },
    { accountId },
    {
      // npm runs scripts in the package's directory; the path was written where the caller stands.
      path: resolve(process.env['INIT_CWD'] ?? '.', image),
      name: values.name,
      description: values.description,
      kind,
      storageType: values['storage-type'],
      zone: values.zone,
      attachment:
        values.instance === undefined ? null : { instanceId: values.instance, device: values.device ?? null },
    },
  )
  console.log(`Registered ${disk.name} as ${disk.id}: ${disk.kind}, ${disk.status}, ${disk.sizeBytes} bytes.`)
})
