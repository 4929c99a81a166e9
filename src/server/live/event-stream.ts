import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'

/** How often an idle stream shows that it lives, in milliseconds: proxies cut what is silent. */
const PING_MS = 12_000
const PING = ':\n\n'
const COMPLETE = 'event: complete\ndata:\n\n'

export interface EventStreamOptions {
  /** What a failure is told as. */
  failed: (error: unknown) => ExecutionResult
  /** Calls back when the stream has to end by a failure from elsewhere; returns how to stop that. */
  endsWith: (onEnd: (error: unknown) => void) => () => void
}

/** The responses that are streams of events: their start, their keep-alive and their end. */
export function createEventStreams() {
  const open = new Set<ServerResponse>()
  let pings: NodeJS.Timeout | undefined

  function ping(): void {
    for (const response of open) if (!response.writableNeedDrain) response.write(PING)
  }

  function add(response: ServerResponse): void {
    open.add(response)
    pings ??= setInterval(ping, PING_MS)
  }

  function remove(response: ServerResponse): void {
    open.delete(response)
    if (open.size > 0) return
    clearInterval(pings)
    pings = undefined
  }

  return {
    /** How many there are. */
    get size(): number {
      return open.size
    },

    /**
     * For each of them, what ends it without `complete`, after which a client would not come back, but with everything
     * sent that was written.
     */
    endings: () => [...open].map((response) => () => response.socket?.destroySoon()),

    /** Writes results as events, at the pace of the client, until they end or it leaves; a failure as a last one. */
    async write(
      results: AsyncIterable<ExecutionResult>,
      response: ServerResponse,
      { failed, endsWith }: EventStreamOptions,
    ): Promise<void> {
      const iterator = results[Symbol.asyncIterator]()
      const unwatch = endsWith(fail)
      response.once('close', () => {
        unwatch()
        remove(response)
        iterator.return?.().catch(() => undefined)
      })
      function fail(error: unknown): void {
        if (isOver(response)) return
        response.end(`${eventOf(failed(error))}${COMPLETE}`)
        iterator.return?.().catch(() => undefined)
      }
      if (isOver(response)) return void response.emit('close')
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache',
        'content-encoding': 'none',
      })
      // Some browsers show nothing of a response before its first bytes.
      response.write(PING)
      add(response)
      // Behind another answer on the same connection there is no socket yet.
      if (!response.socket) await once(response, 'socket')
      try {
        for (;;) {
          const { value, done } = await (iterator.next() as Promise<
            IteratorResult<ExecutionResult, undefined>
          >)
          if (isOver(response)) return
          if (done) break
          if (!response.write(eventOf(value))) await drained(response)
        }
      } catch (error) {
        fail(error)
        return
      }
      response.end(COMPLETE)
    },
  }
}

function eventOf(result: ExecutionResult): string {
  return `event: next\ndata: ${JSON.stringify(result)}\n\n`
}

function isOver({ destroyed, writableEnded }: ServerResponse): boolean {
  return destroyed || writableEnded
}

async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const done = () => resolve(undefined)
  response.once('drain', done).once('close', done)
  await promise
  response.off('drain', done).off('close', done)
}
