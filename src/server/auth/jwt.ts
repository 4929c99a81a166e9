import {
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import type { Logger } from 'pino'
import type { JwtConfig } from '../../config.ts'
import { ACCOUNT_NAME_RULE, isAccountName } from '../../domain/account.ts'
import { roleNamed, ROLES, type Role } from '../../domain/role.ts'
import { clientError } from '../../graphql/errors.ts'
import { guessed, unauthenticated } from './authentication.ts'
import { DAY_MS } from '../../domain/units.ts'

/** What a valid JWT says. */
interface JwtFacts {
  accountName: string
  /** Its `sub`, at most 255 characters; null where it has none. */
  subject: string | null
  role: Role
  /** Until when it is accepted: its `exp` and the clock tolerance. */
  expiresAt: Date
}

export type VerifyJwt = (jwt: string) => Promise<JwtFacts>

/**
 * The algorithms, closed for each kind of key: no token can choose one of the other kind, which would make a public key
 * a shared secret, nor `none`.
 */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/**
 * Verifies JWTs: signature, issuer, audience and times. Rejects with UNAUTHENTICATED, which says what is wrong with the
 * token, or with SERVICE_UNAVAILABLE when there are no keys to verify it with.
 */
export function createJwtVerifier(config: JwtConfig, log: Logger): VerifyJwt {
  const { issuer, audience, accountClaim, roleClaim, clockToleranceSeconds, keys } = config
  const options: JWTVerifyOptions = {
    issuer,
    audience,
    algorithms: 'secret' in keys ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS,
    clockTolerance: clockToleranceSeconds,
    // One that does not expire could never be ended.
    requiredClaims: ['exp'],
  }
  const key = 'secret' in keys ? new TextEncoder().encode(keys.secret) : createKeys(keys.url, log)

  return async (jwt) => {
    const { payload } = await jwtVerify(jwt, key, options).catch((error: unknown) => {
      if (!(error instanceof errors.JOSEError)) throw error
      throw isGuess(error) ? guessed(whyInvalid(error)) : unauthenticated(whyInvalid(error))
    })
    const [account, role] = [payload[accountClaim], payload[roleClaim]]
    if (typeof account !== 'string')
      throw unauthenticated(`The JWT has no account in the claim ${accountClaim}.`)
    if (!isAccountName(account)) throw unauthenticated(ACCOUNT_NAME_RULE)
    const known = typeof role === 'string' ? roleNamed(role) : undefined
    if (!known)
      throw unauthenticated(`The JWT has no role in the claim ${roleClaim}. Roles are ${ROLES.join(', ')}.`)
    return { accountName: account, subject: subjectOf(payload), role: known, expiresAt: expiryOf(payload) }
  }

  function expiryOf(payload: JWTPayload): Date {
    for (const claim of ['exp', 'nbf', 'iat'] as const) {
      if (!isTime(payload[claim] ?? 0)) throw unauthenticated(unexpected(claim))
    }
    const expiresAt = new Date(((payload.exp ?? 0) + clockToleranceSeconds) * 1000)
    if (expiresAt.getTime() - Date.now() > MAX_LIFETIME_DAYS * DAY_MS) {
      throw unauthenticated(
        `The JWT expires more than ${MAX_LIFETIME_DAYS} days from now. Use one that expires sooner.`,
      )
    }
    return expiresAt
  }
}

/** Source: RFC 7519, 4.1.2. A longer one is cut: it is shown, and decides nothing. */
function subjectOf({ sub }: JWTPayload): string | null {
  return typeof sub === 'string' && sub !== '' ? sub.slice(0, 255).toWellFormed() : null
}

/** How far ahead a JWT may expire: nothing ends one before that but another key. */
const MAX_LIFETIME_DAYS = 3_660
/** 9999-12-31T23:59:59Z, in seconds since 1970. */
const LAST_SECOND = 253_402_300_799

/** Whether it is a time in seconds since 1970 that a calendar has: JSON has numbers far beyond, Infinity as 1e999. */
function isTime(seconds: number): boolean {
  return seconds >= 0 && seconds <= LAST_SECOND
}

function unexpected(claim: string): string {
  return `The JWT claim ${claim} has an unexpected value.`
}

/** Whether the signature may have been made up. Claims are checked after it, so a JWT with wrong ones is the issuer's. */
function isGuess(error: InstanceType<typeof errors.JOSEError>): boolean {
  return (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  )
}

/** A sentence for the sender; nothing of the token is repeated. */
function whyInvalid(error: InstanceType<typeof errors.JOSEError>): string {
  if (error instanceof errors.JWTExpired) return 'The credential has expired. Use a new one.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.reason === 'missing' ? `The JWT has no claim ${error.claim}.` : unexpected(error.claim)
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'The JWT is signed with an algorithm that is not accepted.'
  if (error instanceof errors.JWKSNoMatchingKey) return 'The JWT is signed with an unknown key.'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'The JWT does not say which key signed it.'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the JWT is invalid.'
  return 'The credential is neither an API token nor a JWT.'
}

/** How long the answer with the keys may take, in milliseconds, and how large it may be; and how many keys it may have. */
const FETCH_MS = 5_000
const MAX_KEYS_BYTES = 256 * 1024
const MAX_KEYS = 100

/** How old keys may be before they are fetched again, in milliseconds. */
const REFRESH_MS = 10 * 60_000
/** How soon after the last time they are fetched again for a token that names another key, and when there are none. */
const COOLDOWN_MS = 30_000
const RETRY_MS = 5_000

/**
 * The keys behind a URL. They are fetched when they are first needed, and again in the background when they are old, or
 * when a token names a key that is not among them. While they cannot be fetched, those that were go on.
 */
function createKeys(url: URL, log: Logger): JWTVerifyGetKey {
  // By itself it would forget keys that are old, also when there are no others to be had.
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
    timeoutDuration: FETCH_MS,
    [customFetch]: fetchKeys,
  })
  let loaded = false
  let tried = -Infinity

  async function load(): Promise<void> {
    tried = performance.now()
    try {
      await remote.reload()
      loaded = true
    } catch (error) {
      log.error({ err: error, url: url.origin + url.pathname }, 'the keys of JWTs could not be fetched')
      throw unavailable()
    }
  }

  return async (header, token) => {
    const age = performance.now() - tried
    if (!loaded) {
      if (age < RETRY_MS && !remote.reloading) throw unavailable()
      await load()
    } else if (age > REFRESH_MS) {
      load().catch(() => undefined)
    }
    try {
      return await remote(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age < COOLDOWN_MS) throw error
      await load()
      return remote(header, token)
    }
  }
}

/** Fetches a set of keys; rejects when it is larger than its bounds. Redirects are not followed. */
async function fetchKeys(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: 'manual' })
  if (response.status !== 200) {
    await response.body?.cancel()
    return new Response(null, { status: 502 })
  }
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > MAX_KEYS_BYTES) throw new Error(`The keys are larger than ${MAX_KEYS_BYTES} bytes.`)
    pieces.push(piece)
  }
  const text = Buffer.concat(pieces).toString()
  const { keys } = JSON.parse(text) as { keys?: unknown }
  if (Array.isArray(keys) && keys.length > MAX_KEYS) throw new Error(`There are more than ${MAX_KEYS} keys.`)
  return new Response(text)
}

function unavailable() {
  return clientError('SERVICE_UNAVAILABLE', 'The keys that verify JWTs cannot be fetched. Try again later.')
}
