/** `npm run token -- create|list|revoke`: API tokens, also while the gateway runs. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { loadConfig } from '../environment.ts'
import type { Database } from '../database/database.ts'
import { openForCommand } from '../database/start.ts'
import { API_TOKEN_DAYS_MAX } from '../domain/api-token.ts'
import { roleNamed } from '../domain/role.ts'
import { accountNamed, existingAccount, LOCAL_ACCOUNT_NAME, localViewer } from '../services/accounts.ts'
import { newRandomId } from '../services/clock.ts'
import { createTokenService, whyEnded } from '../services/tokens.ts'
import { runCommand, UsageError } from './command.ts'

const USAGE = `Usage:
  npm run token -- create --name <name> --role viewer|operator|admin [--days <days>]
                   [--account <name> [--new-account]]
  npm run token -- list [--account <name>]
  npm run token -- revoke <id> [--account <name>]

The token alone is printed on standard output, once; it is stored nowhere. It is good for --days days (1 to ${API_TOKEN_DAYS_MAX}), or
until it is revoked. The account is "${LOCAL_ACCOUNT_NAME}" unless named; --new-account makes one.
A running gateway follows within 5 seconds. The first token of all closes it to those who have none.`

const now = () => new Date()

await runCommand(USAGE, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      role: { type: 'string' },
      days: { type: 'string' },
      account: { type: 'string', default: LOCAL_ACCOUNT_NAME },
      'new-account': { type: 'boolean', default: false },
    },
  })
  const [verb, id, ...more] = positionals
  const { name, role: roleName, days: daysText } = values
  const role = roleName === undefined ? undefined : roleNamed(roleName)
  const days = daysText === undefined ? null : Number(daysText)
  const misuse = misuseOf()
  if (misuse !== undefined) throw new UsageError(misuse)

  const config = await loadConfig(process.env, console.error)
  await using db = await openForCommand(config)
  await localViewer(db, now)
  const account = await accountOf(db)
  const owner = { accountId: account.id }
  const tokens = createTokenService({ db, announce: () => Promise.resolve(), now, newId: newRandomId })

  if (verb === 'create' && name !== undefined && role !== undefined) {
    const { apiToken, token } = await tokens.create(owner, { name, role, expiresInDays: days })
    const until = apiToken.expiresAt ? `until ${apiToken.expiresAt.toISOString()}` : 'until it is revoked'
    console.error(`Created ${apiToken.id}, ${role} of ${account.name}, ${until}. It is shown this once:`)
    console.log(token)
  } else if (verb === 'revoke' && id !== undefined) {
    const revoked = await tokens.revoke(owner, id)
    console.log(`Revoked ${revoked.id} (${revoked.name}).`)
  } else {
    const rows = await db.apiToken.findMany({ where: owner, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
    for (const row of rows) {
      const state = row.revokedAt ? 'revoked' : whyEnded(row, now()) ? 'expired' : 'valid'
      const expires = row.expiresAt?.toISOString() ?? 'never'
      const used = row.lastUsedAt?.toISOString() ?? 'never'
      console.log([row.id, row.role, state, `expires ${expires}`, `used ${used}`, row.name].join('\t'))
    }
  }

  function misuseOf(): string | undefined {
    if (verb === 'list') return id === undefined ? undefined : ''
    if (verb === 'revoke')
      return id === undefined || more.length > 0 ? 'revoke takes the id of one token.' : undefined
    if (verb !== 'create' || id !== undefined) return ''
    if (name === undefined) return '--name is missing.'
    if (role === undefined) return '--role must be viewer, operator or admin.'
    if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= API_TOKEN_DAYS_MAX))
      return `--days must be a whole number from 1 to ${API_TOKEN_DAYS_MAX}.`
    return undefined
  }

  async function accountOf(db: Database) {
    if (values['new-account']) return accountNamed(db, values.account, { now, newId: newRandomId })
    return existingAccount(db, values.account)
  }
})
