/** `npm run connection -- check|add|list|test|refresh|remove|rotate`: accounts of clouds. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { loadConfig } from '../environment.ts'
import type { Config } from '../config.ts'
import { openForCommand } from '../database/start.ts'
import { readSecret } from '../providers/cloud/credentials.ts'
import { CLOUD_PROVIDERS, openCloud } from '../providers/clouds.ts'
import { existingAccount, LOCAL_ACCOUNT_NAME, localViewer } from '../services/accounts.ts'
import { newRandomId } from '../services/clock.ts'
import {
  areCredentials,
  createConnectionService,
  sealAnew,
  type ShownConnection,
} from '../services/connections.ts'
import { Sealing } from '../services/sealing.ts'
import { runCommand, UsageError } from './command.ts'
import { report, tryWriting } from './connection-check.ts'

const USAGE = `Usage:
  npm run connection -- check --provider baidu --region <region> --credentials <where> [--endpoint <url>]
  npm run connection -- check --provider cinder --region <region> --credentials <where> --endpoint <identity service>
                        [--disk <id>] [--write]
  npm run connection -- add --name <name> --provider <provider> --region <region> --credentials <where> [--seal]
                        [--endpoint <url>] [--account <name>]
  npm run connection -- list [--account <name>]
  npm run connection -- test <id> [--account <name>]
  npm run connection -- refresh <id> [--account <name>]
  npm run connection -- remove <id> [--account <name>]
  npm run connection -- rotate

check needs no gateway: it lists the disks and snapshots of an account of a cloud, reads one disk, and shows what is used of its
quotas. With --write it also creates a snapshot of the disk that --disk names, waits for it, and deletes it.
The others work on the connections of a gateway, also while it runs. add references the credentials, if CREDENTIAL_REFERENCES
allows that; with --seal it encrypts them into the database. refresh has the running gateway compare all disks and snapshots with
the cloud now. rotate encrypts all credentials with the first CREDENTIALS_KEY.
<where> is env:<variable> or file:<path>. Hosts other than those of the cloud itself must be named by UPSTREAM_HOSTS. The account
is "${LOCAL_ACCOUNT_NAME}" unless named.`

const now = () => new Date()

await runCommand(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      provider: { type: 'string' },
      region: { type: 'string' },
      credentials: { type: 'string' },
      endpoint: { type: 'string' },
      account: { type: 'string', default: LOCAL_ACCOUNT_NAME },
      disk: { type: 'string' },
      write: { type: 'boolean', default: false },
      seal: { type: 'boolean', default: false },
    },
  })
  const [verb = '', id, ...more] = positionals
  const takesId = ['test', 'refresh', 'remove'].includes(verb)
  if (more.length > 0 || takesId !== (id !== undefined)) throw new UsageError()
  if (verb === 'check') await check(values)
  else if (['add', 'list', 'rotate'].includes(verb) || takesId) await change(verb, id ?? '', values)
  else throw new UsageError()
})

interface Values {
  name?: string | undefined
  provider?: string | undefined
  region?: string | undefined
  credentials?: string | undefined
  endpoint?: string | undefined
  account: string
  disk?: string | undefined
  write: boolean
  seal: boolean
}

/** Where a connection leads, as it was given. */
function destinationOf({ provider: given, region, credentials, endpoint }: Values) {
  const provider = CLOUD_PROVIDERS.find((name) => name === given)
  if (!provider) throw new UsageError(`--provider must be one of: ${CLOUD_PROVIDERS.join(', ')}.`)
  if (!region || !credentials) throw new UsageError('--region and --credentials are required.')
  if (endpoint !== undefined && !URL.canParse(endpoint)) throw new UsageError('--endpoint must be a URL.')
  if (provider === 'cinder' && endpoint === undefined)
    throw new UsageError('--endpoint must be the address of the identity service (Keystone).')
  return { provider, region, credentials, endpoint: endpoint === undefined ? undefined : new URL(endpoint) }
}

async function check(values: Values): Promise<void> {
  const { credentials, ...destination } = destinationOf(values)
  if (values.write && values.disk === undefined)
    throw new UsageError('--write needs the disk that --disk names.')
  const { upstreamHosts } = await loadConfig(process.env, console.error)
  const cloud = openCloud({
    ...destination,
    secret: () => readSecret(credentials, process.env),
    secretPlace: credentials,
    upstreamHosts,
    now,
  })
  const disk = await report(cloud, values.disk)
  if (values.write && disk) await tryWriting(cloud, disk)
}

async function change(verb: string, id: string, values: Values): Promise<void> {
  const config = await loadConfig(process.env, console.error)
  await using db = await openForCommand(config)
  const options = optionsOf(config)
  const connections = createConnectionService({ ...options, db, now, newId: newRandomId })
  if (verb === 'rotate') {
    const { sealed, unopened } = await sealAnew(db, options.sealing)
    console.log(`Encrypted the credentials of ${String(sealed)} connections with the first key.`)
    if (unopened > 0) throw new Error(`${String(unopened)} were encrypted with a key that is not given.`)
    return
  }
  await localViewer(db, now)
  const { id: accountId } = await existingAccount(db, values.account)
  const owner = { accountId }
  if (verb === 'add') {
    const { credentials: where, endpoint = null, provider: name, region } = destinationOf(values)
    if (!values.name) throw new UsageError('--name is required.')
    const provider = name.toUpperCase() as Uppercase<typeof name>
    const secret = values.seal ? await readSecret(where, process.env) : undefined
    if (secret !== undefined && !areCredentials(provider, secret))
      throw new Error(`${where} does not hold credentials of ${name}: see docs/clouds.md.`)
    const credentials = secret === undefined ? { reference: where } : { secret, provider }
    const input = { name: values.name, provider, region, endpoint, credentials }
    print(await connections.create(owner, input))
  } else if (verb === 'test') print(await connections.test(owner, id))
  else if (verb === 'refresh') print(await connections.refresh(owner, id))
  else if (verb === 'remove') {
    await connections.remove(owner, id)
    console.log(`Removed ${id}.`)
  } else {
    const orderBy = [{ createdAt: 'asc' }, { id: 'asc' }] as const
    for (const row of await db.connection.findMany({ where: owner, orderBy: [...orderBy] })) print(row)
  }
}

function optionsOf(config: Config) {
  return {
    sealing: new Sealing(config.credentialsKeys),
    upstreamHosts: config.upstreamHosts,
    references: config.credentialReferences,
    environment: process.env,
  }
}

function print({ id, provider, region, state, stateReason, name }: ShownConnection): void {
  console.log([id, provider, region, state, name, ...(stateReason === null ? [] : [stateReason])].join('\t'))
}
