import { Unavailable, type Unavailability } from '../../domain/unavailable.ts'

/** SQLSTATE codes that mean a server which is unavailable, and not a defect of ours; two characters stand for a class. */
const SQLSTATES: Record<string, Unavailability> = {
  '08': 'DISCONNECTED',
  '25006': 'READ_ONLY',
  // A server that lets nobody in, or not this user, or has the database no more.
  '28': 'DISCONNECTED',
  '3D000': 'DISCONNECTED',
  '53100': 'FULL',
  '53300': 'DISCONNECTED',
  '55000': 'DISCONNECTED',
  '57P01': 'DISCONNECTED',
  '57P02': 'DISCONNECTED',
  '57P03': 'DISCONNECTED',
  '57P05': 'DISCONNECTED',
  '58030': 'STORAGE_FAULT',
  XX001: 'DAMAGED',
  XX002: 'DAMAGED',
}

/** What the driver says, without a code, of a connection that ended. */
const ENDED =
  /^(Connection terminated|Client (was closed|has encountered)|timeout exceeded|Query read timeout)/

/** What is to be thrown in place of an error of the driver: Unavailable when the server is, the error itself otherwise. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Unavailable) return error
  const { code = '' } = error as { code?: string }
  const known = SQLSTATES[code] ?? SQLSTATES[code.slice(0, 2)]
  if (known) return new Unavailable(known, error)
  // Codes of the system and of its resolver: ECONNREFUSED, EAI_AGAIN.
  const isLost = /^E[A-Z_]{3,}$/.test(code) || ENDED.test(error.message)
  return isLost ? new Unavailable('DISCONNECTED', error) : error
}

/** Whether the connection, and with it the transaction, is gone. */
export function isLost(error: unknown): boolean {
  return error instanceof Unavailable && error.reason === 'DISCONNECTED'
}

/**
 * Whether the same work can be done again because other transactions were in its way, or because a migration has changed a
 * table since a statement was prepared.
 */
export function isTransient(error: unknown): boolean {
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string }
  return code === '40001' || code === '40P01' || isStalePlan({ code, message })
}

/** Whether the connection has prepared a statement for a table that a migration has changed since. */
function isStalePlan({ code, message }: { code: string; message: string }): boolean {
  return code === '0A000' && message.includes('cached plan')
}
