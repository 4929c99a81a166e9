import type { IncomingMessage } from 'node:http'
import type { GraphQLError } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import { TOKEN_SHAPE } from '../../services/token-secret.ts'

/** Names under which people send credentials in an address. */
const CREDENTIAL_NAME =
  /^(access[-_]?token|api[-_]?(key|token)|auth|authorization|bearer|id[-_]?token|jwt|token)$/i
const JWT_SHAPE = /(^|\s)eyJ[\w-]+\.[\w-]+\.[\w-]*$/

/** The only names of a gateway that requires no credential. Source: RFC 6761, 6.3, and the addresses of loopback. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]']

interface TurnedAway {
  status: number
  error: GraphQLError
}

/**
 * What is turned away before anything is made of it; undefined when it may go on. A credential in the address, which is
 * written into histories and logs on the way, is refused rather than ignored. And where no credential is required, only
 * the names of this machine are answered: a page of another site could have its own name lead here, and then be
 * taken by the browser for the gateway's own.
 */
export function turnAway({ url = '', headers }: IncomingMessage, required: boolean): TurnedAway | undefined {
  if (hasCredential(url)) {
    const message =
      'A credential must not be in the address. Send it in the header Authorization, and revoke this one: it may have been logged.'
    return { status: 400, error: clientError('BAD_REQUEST', message) }
  }
  if (!required && !isLocalHost(headers.host)) {
    const message = `This gateway requires no credentials and answers on this machine only, as ${LOCAL_HOSTS.join(', ')}.`
    return { status: 403, error: clientError('FORBIDDEN', message) }
  }
  return undefined
}

function hasCredential(url: string): boolean {
  const start = url.indexOf('?')
  if (TOKEN_SHAPE.test(url)) return true
  return (
    start >= 0 &&
    [...new URLSearchParams(url.slice(start))].some(
      ([name, value]) => CREDENTIAL_NAME.test(name) || TOKEN_SHAPE.test(value) || JWT_SHAPE.test(value),
    )
  )
}

/** A browser always says which name it was led by. */
function isLocalHost(host: string | undefined): boolean {
  return host === undefined || LOCAL_HOSTS.includes(host.replace(/:\d+$/, '').toLowerCase())
}
