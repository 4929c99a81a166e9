import { CloudFault } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import type { Upstream } from '../cloud/upstream.ts'
import { errorOf, faultClassOf, faultFrom } from './faults.ts'

/** How a project of OpenStack is entered. */
export type KeystoneCredentials =
  | { method: 'application_credential'; id: string; secret: string }
  | {
      method: 'password'
      user: string
      userDomain: string
      password: string
      project: string
      projectDomain: string
    }

export interface KeystoneSession {
  token: string
  /** Where the project's block storage is, from the catalogue; it ends with the project or with the version. */
  blockStorage: URL
  /** The user whose token it is; null when the service does not say. */
  userId: string | null
}

/** So long before its end a token is renewed. */
const AHEAD_MS = 60_000
/** The names of block storage in catalogues, the best first. */
const SERVICE_TYPES = ['block-storage', 'volumev3', 'volume']

export interface KeystoneOptions {
  /** The identity service, with or without `/v3`. */
  authUrl: URL
  region: string
  credentials: () => Promise<KeystoneCredentials>
  upstream: Upstream
  now: () => Date
  /** The largest page of a list that is asked for: 1,000 unless given, which is Cinder's own limit by default. */
  rowsPerPage?: number | undefined
}

/** The session of a project: one login for everybody, repeated ahead of its end. */
export function createKeystone({ authUrl, region, credentials, upstream, now }: KeystoneOptions) {
  let session: { value: KeystoneSession; renewAt: number } | undefined
  let underway: Promise<KeystoneSession> | undefined

  const base = authUrl.href.replace(/\/(?:v3\/?)?$/, '')
  /** The session for which the end of the credentials was asked, and that. */
  let ending: { of: KeystoneSession; at: Date | null } | undefined

  return {
    session: current,

    /**
     * When the application credential ends; null when it does not, for a password, and where the credential may not read
     * itself. Asked once for each session.
     */
    async credentialsEnd(signal: AbortSignal): Promise<Date | null> {
      const own = await current()
      if (ending?.of !== own) ending = { of: own, at: await endOf(own, signal) }
      return ending.at
    },

    /** The service did not take this token: unless a newer one is there already, the next call logs in again. */
    forget(token: string): void {
      if (session?.value.token === token) session = undefined
    },
  }

  function current(): Promise<KeystoneSession> {
    if (session && now().getTime() < session.renewAt) return Promise.resolve(session.value)
    underway ??= login().finally(() => (underway = undefined))
    return underway
  }

  async function endOf({ token, userId }: KeystoneSession, signal: AbortSignal): Promise<Date | null> {
    const used = await credentials()
    if (userId === null || used.method !== 'application_credential') return null
    const path = `/v3/users/${encodeURIComponent(userId)}/application_credentials/${encodeURIComponent(used.id)}`
    const headers = { 'x-auth-token': token }
    const answer = await upstream({ method: 'GET', url: new URL(`${base}${path}`), headers }, signal)
    if (answer.status >= 400) return null
    return new Fields(answer.json).fields('application_credential').moment('expires_at')
  }

  async function login(): Promise<KeystoneSession> {
    const answer = await upstream(
      {
        method: 'POST',
        url: new URL(`${base}/v3/auth/tokens`),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ auth: authOf(await credentials()) }),
      },
      new AbortController().signal,
    ).catch((error: unknown) => {
      // To log in changes nothing, so it may be repeated.
      if (error instanceof CloudFault && error.class === 'UNCLEAR')
        throw new CloudFault('PASSING', error.message, { code: error.code })
      throw error
    })
    if (answer.status !== 201) {
      const error = errorOf(answer)
      const faultClass = answer.status === 403 ? 'CREDENTIALS' : faultClassOf(error, false)
      throw faultFrom(error, faultClass ?? 'PASSING', 'Keystone')
    }
    const token = answer.header('x-subject-token')
    const body = new Fields(answer.json).fields('token')
    const expiresAt = body.moment('expires_at')
    const blockStorage = blockStorageIn(body.list('catalog'), region)
    if (token === undefined || expiresAt === null)
      throw new CloudFault('PASSING', 'Keystone answered without a token.', { code: 'MALFORMED_ANSWER' })
    if (blockStorage === undefined)
      throw new CloudFault('CREDENTIALS', `The project has no block storage in the region ${region}.`, {
        code: 'NO_BLOCK_STORAGE',
      })
    const lifeMs = expiresAt.getTime() - now().getTime()
    // A short-lived token is used for half of its life at least.
    const renewAt = now().getTime() + lifeMs - Math.min(AHEAD_MS, lifeMs / 2)
    session = { value: { token, blockStorage, userId: body.fields('user').text('id') }, renewAt }
    return session.value
  }
}

function authOf(credentials: KeystoneCredentials): object {
  if (credentials.method === 'application_credential') {
    const { id, secret } = credentials
    return {
      identity: { methods: ['application_credential'], application_credential: { id, secret } },
    }
  }
  const { user, userDomain, password, project, projectDomain } = credentials
  return {
    identity: {
      methods: ['password'],
      password: { user: { name: user, domain: { name: userDomain }, password } },
    },
    scope: { project: { name: project, domain: { name: projectDomain } } },
  }
}

function blockStorageIn(catalog: readonly Fields[], region: string): URL | undefined {
  for (const type of SERVICE_TYPES)
    for (const service of catalog.filter((entry) => entry.text('type') === type))
      for (const endpoint of service.list('endpoints')) {
        const url = endpoint.text('url')
        const isThere = endpoint.text('interface') === 'public' && endpoint.text('region') === region
        if (isThere && url !== null && URL.canParse(url)) return new URL(url)
      }
  return undefined
}
