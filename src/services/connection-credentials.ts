import type { Database } from '../database/database.ts'
import { CREDENTIALS_PROBLEMS, type CloudProvider } from '../domain/connection.ts'
import { ConnectionCredentialsRefused } from '../domain/refusals.ts'
import type { Connection } from '../generated/prisma/client.ts'
import { readSecret, SecretError } from '../providers/cloud/credentials.ts'
import type { Sealing } from './sealing.ts'

/** The credentials of a connection: themselves, as JSON, or where they are. */
export type GivenCredentials = { secret: string; provider: CloudProvider } | { reference: string }

export type Owner = { accountId: string }

export interface CredentialsOptions {
  db: Database
  sealing: Sealing
  /** The references that the accounts of these names may use, and those that all may use. */
  references: readonly { account: string | undefined; reference: string }[]
  /** Where `env:` references are read. */
  environment: Record<string, string | undefined>
}

/** How the credentials of connections are stored, and had again. */
export function createConnectionCredentials({ db, sealing, references, environment }: CredentialsOptions) {
  /** The columns of credentials, or throws the refusal. */
  async function columnsOf(
    owner: Pick<Connection, 'id' | 'accountId' | 'provider'>,
    credentials: GivenCredentials,
  ): Promise<Pick<Connection, 'sealed' | 'sealKey' | 'reference'>> {
    if ('reference' in credentials) {
      const { reference } = credentials
      if (!(await mayUse(owner, reference))) throw new ConnectionCredentialsRefused('REFERENCE_NOT_ALLOWED')
      return { sealed: null, sealKey: null, reference }
    }
    if (credentials.provider !== owner.provider) throw new ConnectionCredentialsRefused('OTHER_PROVIDER')
    const sealed = sealing.seal(credentials.secret, owner)
    if (!sealed) throw new ConnectionCredentialsRefused('NO_KEY')
    return { ...sealed, reference: null }
  }

  /** Asked again whenever a reference is read: an operator can take one back. */
  async function mayUse({ accountId }: Owner, reference: string): Promise<boolean> {
    const allowed = references.filter((entry) => entry.reference === reference)
    if (allowed.length === 0) return false
    const account = await db.account.findUnique({ where: { id: accountId } })
    return allowed.some((entry) => entry.account === undefined || entry.account === account?.name)
  }

  /** The credentials of a connection as JSON; throws a `SecretError` when they cannot be had. */
  async function secretOf(id: string, accountId: string): Promise<string> {
    const row = await db.connection.findFirst({ where: { id, accountId } })
    if (row?.reference != null) {
      if (!(await mayUse(row, row.reference)))
        throw new SecretError(CREDENTIALS_PROBLEMS.REFERENCE_NOT_ALLOWED)
      return readSecret(row.reference, environment)
    }
    const { sealed = null, sealKey = null } = row ?? {}
    const secret =
      sealed === null || sealKey === null ? undefined : sealing.open({ sealed, sealKey }, { id, accountId })
    if (secret === undefined)
      throw new SecretError('The credentials were encrypted with another CREDENTIALS_KEY. Give them again.')
    return secret
  }

  return { columnsOf, secretOf }
}
