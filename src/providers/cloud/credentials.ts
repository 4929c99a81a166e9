import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'

/** Where a secret is: `env:NAME`, or `file:/path`. The secret itself is never an argument, and never shown. */
export class SecretError extends Error {}

const baiduKey = z.strictObject({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().min(1).optional(),
  /** When a temporary key ends, as STS names and writes it. */
  expiration: z.iso.datetime({ offset: true }).optional(),
})

const applicationCredential = z
  .strictObject({ id: z.string().min(1), secret: z.string().min(1) })
  .transform((values) => ({ method: 'application_credential' as const, ...values }))

const password = z
  .strictObject({
    user: z.string().min(1),
    userDomain: z.string().min(1).default('Default'),
    password: z.string().min(1),
    project: z.string().min(1),
    projectDomain: z.string().min(1).default('Default'),
  })
  .transform((values) => ({ method: 'password' as const, ...values }))

/** What the credentials of each provider look like, as JSON. */
export const CREDENTIALS = { baidu: baiduKey, cinder: z.union([applicationCredential, password]) }

const SHAPES: Record<keyof typeof CREDENTIALS, string> = {
  baidu: '{"accessKeyId", "secretAccessKey"}, with "sessionToken" and "expiration" for a temporary key',
  cinder:
    '{"id", "secret"} of an application credential, or {"user", "password", "project"}, with "userDomain" and "projectDomain" unless they are Default',
}

/** Reads the credentials of a provider from JSON, which comes from `place`. */
export function parseCredentials<Provider extends keyof typeof CREDENTIALS>(
  provider: Provider,
  text: string,
  place: string,
): z.output<(typeof CREDENTIALS)[Provider]> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What is wrong where would quote the secret.
    throw new SecretError(`${place} must hold JSON: ${SHAPES[provider]}.`)
  }
  const result = CREDENTIALS[provider].safeParse(value)
  if (!result.success) throw new SecretError(`${place} must hold ${SHAPES[provider]}.`)
  return result.data as z.output<(typeof CREDENTIALS)[Provider]>
}

/** What changes when the file of a reference is written or replaced; undefined for other references, and without a file. */
export async function versionOf(reference: string | null): Promise<string | undefined> {
  const [, path] = /^file:(.+)$/s.exec(reference ?? '') ?? []
  const there = path === undefined ? undefined : await stat(path, { bigint: true }).catch(() => undefined)
  return there && [there.dev, there.ino, there.size, there.mtimeNs, there.ctimeNs].join(' ')
}

/** Reads a secret from where a reference says, anew each time: temporary ones are replaced there. */
export async function readSecret(
  reference: string,
  environment: Record<string, string | undefined>,
): Promise<string> {
  const [, kind, place = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
  if (kind === 'env') {
    const value = environment[place]
    if (!value) throw new SecretError(`The environment has no variable ${place}.`)
    return value
  }
  if (kind !== 'file') throw new SecretError('Credentials must be named as env:<variable> or file:<path>.')
  try {
    if (((await stat(place)).mode & 0o077) !== 0)
      throw new SecretError(`Others can read ${place}. Make it private first: chmod 600 ${place}`)
    return await readFile(place, 'utf8')
  } catch (error) {
    if (error instanceof SecretError) throw error
    throw new SecretError(`${place} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`)
  }
}
