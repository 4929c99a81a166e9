import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import { logFault } from '../../database/log-fault.ts'
import type { Clock } from '../../services/clock.ts'
import { hashOfToken, isToken } from '../../services/token-secret.ts'
import { whyEnded, type TokenFacts, type TokenService } from '../../services/tokens.ts'
import type { Viewer } from '../../services/viewer.ts'
import { guessed, unauthenticated } from './authentication.ts'
import type { VerifyJwt } from './jwt.ts'

export interface CredentialsOptions {
  tokens: TokenService
  /** Left out when JWTs are not accepted. */
  verifyJwt: VerifyJwt | undefined
  /** The account that a JWT names; a missing one is made, unless `beforeMaking` rejects. */
  accountIdOf: (accountName: string, beforeMaking: () => Promise<void>) => Promise<string>
  /** Who everybody is while no credential is required. */
  localViewer: Viewer
  /** Whether one is required in any case. */
  required: boolean
  now: Clock
  log: Logger
}

/** How often it is looked whether the credentials in use still hold, in milliseconds; a revocation is felt that late. */
const CHECK_MS = 1_000
/** For how long what was read of a token is trusted when these looks fail, in milliseconds. */
const TRUSTED_MS = 3_000
/** How often it is written down when tokens were last used, in milliseconds. */
const NOTE_USE_MS = 60_000
/** How long a credential may be, in characters. */
const MAX_LENGTH = 8_192

const NONE = 'A credential is required. Send authorization: Bearer <token>.'
const MALFORMED = 'The credential is neither an API token nor a JWT.'

interface Known {
  row: TokenFacts
  readAt: number
  usedAt: Date | undefined
}

interface Watch {
  viewer: Viewer
  onEnd: (error: GraphQLError) => void
}

/** Reads whether a credential is required already. */
export async function createCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { required, verifyJwt, tokens } = options
  return new Credentials(options, required || verifyJwt !== undefined || tokens.any())
}

/**
 * Who may come in, and until when. Without JWTs and as long as there has never been an API token, everybody is the local
 * viewer; from then on a credential is required, even when all tokens are gone.
 *
 * Tokens in use are kept in memory and read again together every second, so that a request costs no read of its
 * own and a revocation, also by another process, ends the streams of its token.
 */
export class Credentials implements AsyncDisposable {
  readonly #options: CredentialsOptions
  /** The tokens in use, by their hashes. */
  readonly #known = new Map<string, Known>()
  readonly #watches = new Set<Watch>()
  #required: boolean
  #checking: Promise<void> = Promise.resolve()
  #timers: NodeJS.Timeout[] = []

  constructor(options: CredentialsOptions, required: boolean) {
    this.#options = options
    this.#required = required
  }

  /** Whether a credential is required; once it is, it stays so. */
  get required(): boolean {
    return this.#required
  }

  /** Who is behind what `Authorization` holds; `takeNewAccount` counts the account that is made for a JWT. */
  async authenticate(
    authorization: string | undefined,
    takeNewAccount: () => Promise<void>,
  ): Promise<Viewer> {
    const { localViewer, verifyJwt, accountIdOf } = this.#options
    if (!this.#required) return localViewer
    if (authorization === undefined) throw unauthenticated(NONE)
    if (authorization.length > MAX_LENGTH) throw unauthenticated(MALFORMED)
    const credential = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1]
    if (credential === undefined) throw unauthenticated(MALFORMED)
    if (credential.startsWith('sg_')) return this.#viewerOfToken(credential)
    if (!verifyJwt) throw unauthenticated('The credential is not an API token. API tokens start with sg_.')
    const { accountName, subject: name, role, expiresAt } = await verifyJwt(credential)
    return { accountId: await accountIdOf(accountName, takeNewAccount), role, expiresAt, tokenId: null, name }
  }

  /** Calls back, once, when what the viewer came in with ceases to hold; returns how to stop that. */
  watch(viewer: Viewer, onEnd: (error: GraphQLError) => void): () => void {
    const watch = { viewer, onEnd }
    this.#watches.add(watch)
    return () => void this.#watches.delete(watch)
  }

  /** How many connections are watched. */
  get watched(): number {
    return this.#watches.size
  }

  /** Looks now; resolves when all that was committed before the call has taken effect. */
  check(): Promise<void> {
    return this.#inTurn(() => this.#check())
  }

  /** Writes down when tokens were last used, and forgets those that were not used since the last time. */
  noteUse(): Promise<void> {
    return this.#inTurn(() => this.#noteUse())
  }

  /** From now on looks every second. */
  start(): void {
    this.#timers = [
      setInterval(() => void this.check(), CHECK_MS),
      setInterval(() => void this.noteUse(), NOTE_USE_MS),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.noteUse()
  }

  async #viewerOfToken(token: string): Promise<Viewer> {
    const { now } = this.#options
    if (!isToken(token)) throw unauthenticated('The API token is mistyped or truncated. Send all of it.')
    const hash = hashOfToken(token)
    const entry = this.#entryOf(hash) ?? (await this.#newEntryOf(hash))
    if (!entry) throw guessed('API token not found. Use another one.')
    const ended = whyEnded(entry.row, now())
    if (ended !== undefined) throw unauthenticated(ended)
    entry.usedAt = now()
    const { id: tokenId, accountId, name, role, expiresAt } = entry.row
    return { accountId, role, expiresAt, tokenId, name }
  }

  #entryOf(hash: string): Known | undefined {
    const entry = this.#known.get(hash)
    if (entry && performance.now() - entry.readAt < TRUSTED_MS) return entry
    const readAt = performance.now()
    const row = this.#options.tokens.find(hash)
    if (!row) return undefined
    const fresh = { row, readAt, usedAt: entry?.usedAt }
    this.#known.set(hash, fresh)
    return fresh
  }

  /** Of a token that another gateway has just made. */
  async #newEntryOf(hash: string): Promise<Known | undefined> {
    const current = this.#options.tokens.fresh()
    if (!current) return undefined
    await current
    return this.#entryOf(hash)
  }

  /** Reads again what is in use, and ends what no longer holds. */
  #check(): void {
    const { tokens } = this.#options
    this.#required ||= tokens.any()
    const readAt = performance.now()
    const inUse = new Set([...this.#known.values()].map(({ row }) => row.id))
    for (const { viewer } of this.#watches) if (viewer.tokenId !== null) inUse.add(viewer.tokenId)
    const present = new Map(tokens.present([...inUse]).map((row) => [row.id, row]))
    for (const [hash, entry] of this.#known) {
      const row = present.get(entry.row.id)
      if (row) Object.assign(entry, { row, readAt })
      else this.#known.delete(hash)
    }
    for (const watch of this.#watches) {
      const { viewer, onEnd } = watch
      const ended = this.#whyViewerEnded(viewer, present.get(viewer.tokenId ?? ''))
      if (ended === undefined) continue
      this.#watches.delete(watch)
      onEnd(unauthenticated(ended))
    }
  }

  #whyViewerEnded(viewer: Viewer, row: TokenFacts | undefined): string | undefined {
    const { localViewer, now } = this.#options
    if (viewer === localViewer) return this.#required ? NONE : undefined
    if (viewer.tokenId !== null && !row) return 'The API token no longer exists. Use another one.'
    return whyEnded(row ?? { revokedAt: null, expiresAt: viewer.expiresAt }, now())
  }

  async #noteUse(): Promise<void> {
    const used = [...this.#known.values()].flatMap((entry) =>
      entry.usedAt ? [[entry, entry.usedAt] as const] : [],
    )
    const watched = new Set([...this.#watches].map(({ viewer }) => viewer.tokenId))
    for (const [hash, { row, usedAt }] of this.#known)
      if (!usedAt && !watched.has(row.id)) this.#known.delete(hash)
    for (const [entry] of used) entry.usedAt = undefined
    if (used.length > 0) {
      await this.#options.tokens.used(new Map(used.map(([entry, usedAt]) => [entry.row.id, usedAt])))
    }
  }

  #inTurn(work: () => Promise<void> | void): Promise<void> {
    this.#checking = this.#checking.then(work).catch((error: unknown) => {
      logFault(this.#options.log, error, 'the credentials in use could not be checked')
    })
    return this.#checking
  }
}
