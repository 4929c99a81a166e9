import { DAY_MS } from './units.ts'

/** The clouds that a connection can lead to, with what clients call them. */
export const CLOUD_PROVIDERS = {
  BAIDU: 'Baidu AI Cloud',
  CINDER: 'OpenStack, with Keystone and Cinder',
} as const
export type CloudProvider = keyof typeof CLOUD_PROVIDERS

/** Where disks and snapshots can be, with what clients call it. */
export const PROVIDERS = { LOCAL: 'The machine of the gateway', ...CLOUD_PROVIDERS } as const

/** How a provider is recorded: by the name of its folder in `src/providers/`. */
export type Provider = Lowercase<keyof typeof PROVIDERS>

/** How the last call of a connection ended. */
export const CONNECTION_STATES = {
  UNTRIED: 'No call has been made yet.',
  OK: 'The last call was answered.',
  CREDENTIALS_REFUSED: 'The cloud refuses the credentials, or they cannot be read.',
  UNREACHABLE: 'The cloud cannot be reached, or fails to answer.',
  THROTTLED: 'The cloud asks for fewer calls.',
  CLOCK_WRONG: "The gateway's clock differs too much from the cloud's.",
} as const
export type ConnectionState = keyof typeof CONNECTION_STATES

/** The end of credentials is near for the last tenth of their life, within these bounds in milliseconds. */
const NEAR_SHARE = 0.1
const NEAR_MIN_MS = 10 * 60_000
const NEAR_MAX_MS = 7 * DAY_MS

/** From when on the end of credentials is near that are seen for the first time at a moment. */
export function nearEndFrom(expireAt: Date, seenAt: Date): Date {
  const lifeMs = expireAt.getTime() - seenAt.getTime()
  const nearMs = Math.min(NEAR_MAX_MS, Math.max(NEAR_MIN_MS, lifeMs * NEAR_SHARE))
  return new Date(expireAt.getTime() - nearMs)
}

/** How many connections an account may have. */
export const CONNECTIONS_MAX = 50

/** The longest credentials, in bytes of JSON. */
export const CREDENTIALS_BYTES_MAX = 8_192

/** The longest id, user, project or domain in credentials, in UTF-16 code units. */
export const CREDENTIAL_NAME_MAX_LENGTH = 256

/** The longest reference to credentials, in UTF-16 code units. */
export const CREDENTIAL_REFERENCE_MAX_LENGTH = 1_024

/** The longest endpoint, in UTF-16 code units. */
export const ENDPOINT_MAX_LENGTH = 1_024

/** The longest region: it becomes a label of a host's name. */
export const REGION_MAX_LENGTH = 63

/** A region as clouds name them. */
export const REGION = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${REGION_MAX_LENGTH - 1}}$`)

/** What is wrong with the credentials of a connection, with the sentence that says what would be right. */
export const CREDENTIALS_PROBLEMS = {
  OTHER_PROVIDER: 'The credentials are for another provider. Give those of the provider of the connection.',
  NO_KEY: 'The gateway has no CREDENTIALS_KEY to encrypt credentials with. Set one, or reference them.',
  REFERENCE_NOT_ALLOWED:
    'The account may not use this reference. Its operator lists the allowed ones in CREDENTIAL_REFERENCES.',
} as const
export type CredentialsProblem = keyof typeof CREDENTIALS_PROBLEMS
