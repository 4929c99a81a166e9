import { Client } from 'pg'

/** The numbers of the advisory locks of gateways, in the database that they share. */
export const LOCKS = { migration: 4_170_001, demo: 4_170_002 }

/** Does work that one gateway does at a time; another one waits for it. */
export async function alone<T>(url: string, lock: keyof typeof LOCKS, work: () => Promise<T>): Promise<T> {
  return connected(url, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS[lock]])
    return work()
  })
}

/** On a connection of its own: an advisory lock belongs to one, and the work may take its time. */
export async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    options: '-c TimeZone=UTC',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
