import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import type { Logger } from 'pino'
import type { JwtConfig } from '../../config.ts'
import { ACCOUNT_NAME_RULE, isAccountName } from '../../domain/account.ts'
import { ROLES, type Role } from '../../domain/role.ts'
import { clientError } from '../../graphql/errors.ts'
import { unauthenticated } from './authentication.ts'

/** What a valid JWT says. */
interface JwtFacts {
  accountName: string
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
      throw error instanceof errors.JOSEError ? unauthenticated(whyInvalid(error)) : error
    })
    const [account, role] = [payload[accountClaim], payload[roleClaim]]
    if (typeof account !== 'string') throw unauthenticated(`The JWT names no account in ${accountClaim}.`)
    if (!isAccountName(account)) throw unauthenticated(ACCOUNT_NAME_RULE)
    const known = ROLES.find((one) => typeof role === 'string' && one === role.toUpperCase())
    if (!known) throw unauthenticated(`The JWT has no role in ${roleClaim}: ${ROLES.join(', ')}.`)
    return { accountName: account, role: known, expiresAt: expiryOf(payload) }
  }

  function expiryOf({ exp = 0 }: JWTPayload): Date {
    return new Date((exp + clockToleranceSeconds) * 1000)
  }
}

/** In words for whoever sent it; nothing of the token is repeated. */
function whyInvalid(error: InstanceType<typeof errors.JOSEError>): string {
  if (error instanceof errors.JWTExpired) return 'The credential has expired. Use a new one.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.reason === 'missing'
      ? `The JWT has no claim ${error.claim}.`
      : `The claim ${error.claim} of the JWT is not what is expected here.`
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'The JWT is signed with an algorithm that is not accepted.'
  if (error instanceof errors.JWKSNoMatchingKey) return 'The JWT is signed with a key that is not known.'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'The JWT does not say which key signed it.'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the JWT is not right.'
  return 'The credential is neither an API token nor a JWT.'
}

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
  const remote = createRemoteJWKSet(url, { cacheMaxAge: Infinity, cooldownDuration: Infinity })
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

function unavailable() {
  return clientError('SERVICE_UNAVAILABLE', 'The keys that verify JWTs cannot be fetched. Try again later.')
}
