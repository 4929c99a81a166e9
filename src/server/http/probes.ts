import type { ServerResponse } from 'node:http'
import { Unavailable } from '../../domain/unavailable.ts'

/** What is wrong, in words that a stranger may read; undefined when nothing is. It must return at once. */
export type Check = () => string | undefined

export interface ProbesOptions {
  /** The checks of readiness besides `shutdown`, by name, in the order in which they are reported. */
  checks: Readonly<Record<string, Check>>
  /** Checks that are reported with those of readiness, and do not decide it: what fails concerns some clients only. */
  reports: Readonly<Record<string, Check>>
  version: string
}

interface Answer {
  status: number
  text: string
}

const NOT_FOUND: Answer = { status: 404, text: 'There is no check with this name.\n' }

/**
 * Answers the probes of load balancers and supervisors, which need no credential: `/livez`, `/readyz` and `/version`. As those of
 * Kubernetes, `?verbose` lists each check, `?exclude=NAME` leaves one out, and `/readyz/NAME` answers for one alone, also for one
 * that is only reported.
 */
export class Probes {
  /** Whether the gateway is about to stop, so that no new client should be sent to it. */
  isStopping = false
  readonly #version: string
  readonly #checks: ReadonlyMap<string, ReadonlyMap<string, Check>>
  readonly #reports: ReadonlySet<string>

  constructor({ checks, reports, version }: ProbesOptions) {
    this.#version = version
    this.#reports = new Set(Object.keys(reports))
    const alive = new Map([['ping', () => undefined]])
    const ready = Object.entries({
      shutdown: () => (this.isStopping ? 'stopping' : undefined),
      ...checks,
      ...reports,
    })
    this.#checks = new Map([
      ['livez', alive],
      ['healthz', alive],
      ['readyz', new Map(ready)],
    ])
  }

  /** Whether the request was for a probe, and has been answered. */
  answer(url: string, response: ServerResponse): boolean {
    const [path = '', query] = url.split('?', 2)
    const [, probe = '', name, ...more] = path.split('/')
    if (path === '/version') {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`${JSON.stringify({ version: this.#version })}\n`)
      return true
    }
    const checks = this.#checks.get(probe)
    if (!checks || more.length > 0) return false
    const reports = name === undefined ? this.#reports : NONE
    const { status, text } = answerTo(probe, chosen(checks, name), reports, new URLSearchParams(query))
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
    return true
  }
}

/** The checks that are asked for; undefined when there is none with this name. */
function chosen(checks: ReadonlyMap<string, Check>, name: string | undefined): [string, Check][] | undefined {
  if (name === undefined) return [...checks]
  const check = checks.get(name)
  return check && [[name, check]]
}

/** What a check finds; one that cannot be made, because the database is gone, has found that. */
function problemOf(check: Check): string | undefined {
  try {
    return check()
  } catch (error) {
    return error instanceof Unavailable ? error.message : 'It cannot be checked.'
  }
}

const NONE: ReadonlySet<string> = new Set()

/** The answer to a probe; what fails of `reports` is told, and decides nothing. */
function answerTo(
  probe: string,
  checks: [string, Check][] | undefined,
  reports: ReadonlySet<string>,
  query: URLSearchParams,
): Answer {
  if (!checks) return NOT_FOUND
  const excluded = query.getAll('exclude')
  const results = checks.map(([name, check]) => ({
    name,
    isExcluded: excluded.includes(name),
    problem: excluded.includes(name) ? undefined : problemOf(check),
  }))
  const first = results.find(({ name, problem }) => problem !== undefined && !reports.has(name))
  const status = first ? 503 : 200
  if (!query.has('verbose')) return { status, text: `${first?.problem ?? 'ok'}\n` }
  const lines = results.map(({ name, isExcluded, problem }) => {
    if (problem === undefined) return `[+]${name} ${isExcluded ? 'excluded' : 'ok'}`
    return reports.has(name) ? `[~]${name} reported: ${problem}` : `[-]${name} failed: ${problem}`
  })
  return { status, text: [...lines, `${probe} check ${first ? 'failed' : 'passed'}`, ''].join('\n') }
}
