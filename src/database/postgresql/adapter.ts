import {
  isDriverAdapterError,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import { failureOf } from './faults.ts'

/** What changes nothing. */
const IS_READ = /^\s*(SELECT|EXPLAIN|SHOW)\b/i

/**
 * Prisma's adapter, whose changes are announced when they are committed, and whose errors say when the server is away. A
 * call resolves when `onCommitted` does, so what it has written is found by the reads that follow.
 */
export function announcing(
  factory: SqlDriverAdapterFactory,
  onCommitted: () => Promise<void> | void,
): SqlDriverAdapterFactory {
  return { ...factory, provider: factory.provider, adapterName: factory.adapterName, connect }

  async function connect(): Promise<SqlDriverAdapter> {
    const adapter = await factory.connect()

    async function bare<T>(sql: string, run: () => Promise<T>): Promise<T> {
      const result = await translated(run)
      if (!IS_READ.test(sql)) await onCommitted()
      return result
    }

    return {
      provider: adapter.provider,
      adapterName: adapter.adapterName,
      getConnectionInfo: adapter.getConnectionInfo?.bind(adapter),
      queryRaw: (query) => bare(query.sql, () => adapter.queryRaw(query)),
      executeRaw: (query) => bare(query.sql, () => adapter.executeRaw(query)),
      executeScript: (script) => bare(script, () => adapter.executeScript(script)),
      dispose: () => adapter.dispose(),
      async startTransaction(isolationLevel) {
        const transaction = await translated(() => adapter.startTransaction(isolationLevel))
        const commit = transaction.commit.bind(transaction)
        return Object.assign(transaction, {
          async commit() {
            await commit()
            await onCommitted()
          },
        })
      },
    }
  }
}

async function translated<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw isDriverAdapterError(error) ? failureOfAdapter(error) : failureOf(error)
  }
}

/** The adapter has the code of the driver further down. */
function failureOfAdapter(error: Error & { cause?: unknown }): unknown {
  const { originalCode: code, kind } = (error.cause ?? {}) as { originalCode?: string; kind?: string }
  const isAway = kind === 'DatabaseNotReachable' || kind === 'ConnectionClosed' || kind === 'SocketTimeout'
  const failure = failureOf(
    Object.assign(new Error(error.message), { code: isAway ? 'ECONNREFUSED' : (code ?? '') }),
  )
  return failure instanceof Error && failure.name === 'Unavailable' ? failure : error
}
