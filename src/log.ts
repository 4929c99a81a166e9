import { pino, type DestinationStream, type Logger } from 'pino'
import type { Config } from './config.ts'
import { REDACTED, withoutSecrets } from './observability/secrets.ts'

/**
 * The log, as JSON lines. Nothing is meant to be logged that holds a secret; should it happen all the same, in whatever
 * place of a message or an error, then whatever looks like a token, and the configured secret, is taken out of the line.
 */
export function createLog(
  { logLevel, jwt }: Pick<Config, 'logLevel' | 'jwt'>,
  destination: DestinationStream = standardOutput(),
): Logger {
  const secret = jwt && 'secret' in jwt.keys ? JSON.stringify(jwt.keys.secret).slice(1, -1) : undefined
  return pino(
    { level: logLevel },
    {
      write(line) {
        const known = secret === undefined ? line : line.replaceAll(secret, REDACTED)
        destination.write(withoutSecrets(known))
      },
    },
  )
}

/** A closed terminal, or a reader that has ended, takes no more lines; the gateway goes on, and stops as any other. */
function standardOutput(): DestinationStream {
  return pino.destination({ sync: true }).on('error', () => undefined)
}
