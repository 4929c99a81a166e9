import { Client } from 'pg'
import { CHANNEL } from './replica/feed.ts'
import { connectionSettings } from './settings.ts'

/**
 * Tells the replicas of other gateways that something was committed: a hint, which may get lost. It is sent after the commit
 * and not in it, because until such a commit is flushed it holds a lock of the whole server.
 */
export class Notifier implements AsyncDisposable {
  readonly #url: string
  #client: Promise<Client> | undefined
  #isSending = false
  #isAgain = false
  #isStopped = false

  constructor(url: string) {
    this.#url = url
  }

  /** Returns at once; what comes while one is in flight shares the next. */
  notify(): void {
    if (this.#isStopped) return
    if (this.#isSending) {
      this.#isAgain = true
      return
    }
    this.#isSending = true
    this.#isAgain = false
    this.#send()
      .catch(() => this.#forget())
      .finally(() => {
        this.#isSending = false
        if (this.#isAgain) this.notify()
      })
  }

  async #send(): Promise<void> {
    this.#client ??= this.#connect()
    const client = await this.#client
    await client.query({ name: 'notify', text: `SELECT pg_notify('${CHANNEL}', '')` })
  }

  async #connect(): Promise<Client> {
    // Nothing is lost with a hint, so it need not be flushed.
    const settings = connectionSettings(this.#url, { synchronous_commit: 'off' })
    const client = new Client({ ...settings, query_timeout: QUERY_MS })
    client.on('error', () => this.#forget())
    client.on('end', () => this.#forget())
    await client.connect()
    return client
  }

  #forget(): void {
    const client = this.#client
    this.#client = undefined
    client?.then((one) => one.end()).catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    const client = this.#client
    this.#client = undefined
    await client?.then((one) => one.end()).catch(() => undefined)
  }
}

/** How long a hint may take, in milliseconds. */
const QUERY_MS = 2_000
