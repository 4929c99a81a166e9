import type { Database } from '../database/database.ts'
import type { Viewer } from './viewer.ts'

/** The account of everybody who may reach a gateway without credentials. */
const LOCAL_ACCOUNT_ID = 'acc-localhost'

/** The local account as its administrator; the account is made when it is missing. */
export async function localViewer(db: Database, now: () => Date): Promise<Viewer> {
  await db.account.upsert({
    where: { id: LOCAL_ACCOUNT_ID },
    create: { id: LOCAL_ACCOUNT_ID, name: 'local', createdAt: now() },
    update: {},
  })
  return { accountId: LOCAL_ACCOUNT_ID, role: 'ADMIN', expiresAt: null }
}
