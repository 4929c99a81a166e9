import type { ClientConfig } from 'pg'

/** How long a connection may take to be made, in milliseconds: an error must be answered within two seconds. */
const CONNECT_MS = 1_000

/** A transaction whose gateway says nothing for this long is undone, so that its locks hold up nobody, in milliseconds. */
const ABANDONED_MS = 10_000

/** Of each session. The time zone is not left to the server: Prisma's adapter drops the offset of moments. */
const SESSION = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  idle_in_transaction_session_timeout: String(ABANDONED_MS),
}

/** What each connection to a server begins with; `more` are further settings of its session. */
export function connectionSettings(url: string, more: Record<string, string> = {}): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'snapgate',
    options: Object.entries({ ...SESSION, ...more })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  }
}
