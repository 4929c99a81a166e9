import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError, ENVIRONMENT, readConfig, SECRETS, type Config } from './config.ts'
import { problemsOfPlaces } from './places.ts'

type Variables = Record<string, string | undefined>

/**
 * The configuration of a process: its environment, and below it the file of settings, `.env` unless `ENV_FILE` names
 * another one. Throws one ConfigError that lists every problem, those of directories and files too; `warn` is called
 * with what is suspicious only, such as a variable that is probably misspelt.
 */
export async function loadConfig(own: Variables, warn: (message: string) => void): Promise<Config> {
  const { variables: stored, problems, isOpen } = readSettings(own['ENV_FILE'])
  const path = own['ENV_FILE'] || DEFAULT_FILE
  for (const name of Object.keys(stored)) if (!isKnown(name)) warn(unknown(name, ` in ${path}`))
  for (const name of Object.keys(own)) {
    if (!isKnown(name) && isSuspicious(name, own[name])) warn(unknown(name))
  }
  const secret = SECRETS.find((name) => stored[name])
  if (isOpen && secret) warn(`${path} holds ${secret}, and others can read it: chmod 600 ${path}`)

  const variables = { ...stored, ...own }
  const keyFile = variables['CREDENTIALS_KEY_FILE']
  if (keyFile && variables['CREDENTIALS_KEY'])
    problems.push('CREDENTIALS_KEY_FILE must be left out where CREDENTIALS_KEY is set.')
  else if (keyFile) {
    const { text, problem } = readPrivate(resolve(keyFile))
    if (problem !== undefined)
      problems.push(`CREDENTIALS_KEY_FILE must be a file that can be read; ${problem}.`)
    variables['CREDENTIALS_KEY'] = text?.trim()
  }
  let config: Config | undefined
  try {
    config = readConfig(variables)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  problems.push(...(await problemsOfPlaces(variables)))
  if (!config || problems.length > 0) throw new ConfigError(problems)
  return config
}

const DEFAULT_FILE = '.env'

/** What a file of settings says; nothing where there is no `.env`. */
function readSettings(named: string | undefined) {
  const path = resolve(named || DEFAULT_FILE)
  try {
    const text = readFileSync(path, 'utf8')
    const variables = parseEnv(text.replace(/^\uFEFF/, '')) as Variables
    return { variables, problems: [], isOpen: (statSync(path).mode & 0o077) !== 0 }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const problems =
      !named && code === 'ENOENT'
        ? []
        : [`ENV_FILE must be a file that can be read; ${path} cannot (${code ?? 'unknown'}).`]
    return { variables: {} as Variables, problems, isOpen: false }
  }
}

/** What a file holds that its owner alone may read. */
function readPrivate(path: string): { text?: string; problem?: string } {
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      return { problem: `others can read ${path} as well (chmod 600 ${path})` }
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { problem: `${path} cannot (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` }
  }
}

const NAMES = Object.keys(ENVIRONMENT.shape)

function isKnown(name: string): boolean {
  return NAMES.includes(name)
}

function unknown(name: string, where = ''): string {
  const meant = nearest(name)
  return `${name}${where} is not a variable of Snapgate and is ignored.${meant ? ` Did you mean ${meant}?` : ''}`
}

/** A first word that variables of other programs have, too: those of the Google Cloud SDK. */
const NOT_OURS_ALONE = 'CLOUD'

/** The first words that several of our variables share, and our name: what begins with one is meant for us. */
const FAMILIES = [
  'SNAPGATE',
  ...Object.entries(Object.groupBy(NAMES, (name) => name.split('_', 1)[0] ?? '')).flatMap(
    ([word, names = []]) => (names.length > 1 && names.every((name) => name.includes('_')) ? [word] : []),
  ),
].filter((word) => word !== NOT_OURS_ALONE)

/** What Kubernetes sets in every container for each service, one of which may have a name like ours. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT)(_.+)?|PORT_\d+_(TCP|UDP)(_.+)?)$/

/** Whether a variable that we do not have was probably meant for us. */
function isSuspicious(name: string, value: string | undefined): boolean {
  if (SERVICE_LINK.test(name) || (name.endsWith('_PORT') && /^(tcp|udp):/.test(value ?? ''))) return false
  return nearest(name) !== undefined || FAMILIES.some((family) => name.startsWith(`${family}_`))
}

/** Our variable that a name is a slip of the fingers away from: one for short names, two for long ones. */
function nearest(name: string): string | undefined {
  const plain = name
    .toUpperCase()
    .replaceAll(/[^A-Z]+/g, '_')
    .replace(/^SNAPGATE_/, '')
  let best: { known: string; slips: number } | undefined
  for (const known of NAMES) {
    const slips = slipsBetween(plain, known)
    if (slips <= (known.length < 7 ? 1 : 2) && slips < (best?.slips ?? Infinity)) best = { known, slips }
  }
  return best?.known
}

/** How many letters were left out, added, changed or swapped with the next one (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + Number(!isSame),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
