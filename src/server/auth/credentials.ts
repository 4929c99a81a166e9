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

export type Credentials = Awaited<ReturnType<typeof createCredentials>>

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

/**
 * Who may come in, and until when. Without JWTs and as long as there has never been an API token, everybody is the local
 * viewer; from then on a credential is required, whatever becomes of the tokens.
 *
 * Tokens in use are kept in memory and read again together every second, so that a request costs no read of its
 * own and a revocation, also by another process, ends the streams of its token.
 */
export async function createCredentials(options: CredentialsOptions) {
  const { tokens, verifyJwt, accountIdOf, localViewer, now, log } = options
  const known = new Map<string, Known>()
  const watches = new Set<Watch>()
  let required = options.required || verifyJwt !== undefined || (await tokens.any())
  let checking: Promise<void> = Promise.resolve()
  let timers: NodeJS.Timeout[] = []

  /** Who is behind what `Authorization` holds; `takeNewAccount` counts the account that is made for a JWT. */
  async function authenticate(
    authorization: string | undefined,
    takeNewAccount: () => Promise<void>,
  ): Promise<Viewer> {
    if (!required) return localViewer
    if (authorization === undefined) throw unauthenticated(NONE)
    if (authorization.length > MAX_LENGTH) throw unauthenticated(MALFORMED)
    const credential = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1]
    if (credential === undefined) throw unauthenticated(MALFORMED)
    if (credential.startsWith('sg_')) return viewerOfToken(credential)
    if (!verifyJwt) throw unauthenticated('The credential is not an API token: those look like sg_….')
    const { accountName, role, expiresAt } = await verifyJwt(credential)
    return { accountId: await accountIdOf(accountName, takeNewAccount), role, expiresAt, tokenId: null }
  }

  function viewerOfToken(token: string): Viewer {
    if (!isToken(token)) throw unauthenticated('The API token is mistyped or cut short. Send it whole.')
    const hash = hashOfToken(token)
    const entry = entryOf(hash)
    if (!entry) throw guessed('There is no such API token. Use another one.')
    const ended = whyEnded(entry.row, now())
    if (ended !== undefined) throw unauthenticated(ended)
    entry.usedAt = now()
    const { id: tokenId, accountId, role, expiresAt } = entry.row
    return { accountId, role, expiresAt, tokenId }
  }

  function entryOf(hash: string): Known | undefined {
    const entry = known.get(hash)
    if (entry && performance.now() - entry.readAt < TRUSTED_MS) return entry
    const readAt = performance.now()
    const row = tokens.find(hash)
    if (!row) return undefined
    const fresh = { row, readAt, usedAt: entry?.usedAt }
    known.set(hash, fresh)
    return fresh
  }

  /** Reads again what is in use, and ends what no longer holds. */
  async function check(): Promise<void> {
    required ||= await tokens.any()
    const readAt = performance.now()
    const inUse = new Set([...known.values()].map(({ row }) => row.id))
    for (const { viewer } of watches) if (viewer.tokenId !== null) inUse.add(viewer.tokenId)
    const present = new Map((await tokens.present([...inUse])).map((row) => [row.id, row]))
    for (const [hash, entry] of known) {
      const row = present.get(entry.row.id)
      if (row) Object.assign(entry, { row, readAt })
      else known.delete(hash)
    }
    for (const watch of watches) {
      const { viewer, onEnd } = watch
      const ended = whyViewerEnded(viewer, present.get(viewer.tokenId ?? ''))
      if (ended === undefined) continue
      watches.delete(watch)
      onEnd(unauthenticated(ended))
    }
  }

  function whyViewerEnded(viewer: Viewer, row: TokenFacts | undefined): string | undefined {
    if (viewer === localViewer) return required ? NONE : undefined
    if (viewer.tokenId !== null && !row) return 'There is no such API token any more. Use another one.'
    return whyEnded(row ?? { revokedAt: null, expiresAt: viewer.expiresAt }, now())
  }

  /** Writes down when tokens were last used, and forgets those that were not used since the last time. */
  async function noteUse(): Promise<void> {
    const used = [...known.values()].flatMap((entry) =>
      entry.usedAt ? [[entry, entry.usedAt] as const] : [],
    )
    const watched = new Set([...watches].map(({ viewer }) => viewer.tokenId))
    for (const [hash, { row, usedAt }] of known) if (!usedAt && !watched.has(row.id)) known.delete(hash)
    for (const [entry] of used) entry.usedAt = undefined
    if (used.length > 0) await tokens.used(new Map(used.map(([entry, usedAt]) => [entry.row.id, usedAt])))
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    checking = checking.then(work).catch((error: unknown) => {
      logFault(log, error, 'the credentials in use could not be checked')
    })
    return checking
  }

  return {
    /** Whether a credential is required; once it is, it stays so. */
    get required(): boolean {
      return required
    },

    authenticate,

    /** Calls back, once, when what the viewer came in with ceases to hold; returns how to stop that. */
    watch(viewer: Viewer, onEnd: (error: GraphQLError) => void): () => void {
      const watch = { viewer, onEnd }
      watches.add(watch)
      return () => void watches.delete(watch)
    },

    /** How many connections are watched. */
    get watched(): number {
      return watches.size
    },

    /** Looks now; resolves when all that was committed before the call has taken effect. */
    check: () => inTurn(check),

    noteUse: () => inTurn(noteUse),

    /** From now on looks every second. */
    start(): void {
      timers = [
        setInterval(() => void inTurn(check), CHECK_MS),
        setInterval(() => void inTurn(noteUse), NOTE_USE_MS),
      ]
    },

    async [Symbol.asyncDispose](): Promise<void> {
      for (const timer of timers) clearInterval(timer)
      await inTurn(noteUse)
    },
  }
}
