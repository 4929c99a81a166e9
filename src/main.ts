import process from 'node:process'
import { pino } from 'pino'
import { exampleIds, startApp } from './app.ts'
import { ConfigError, readConfig, type Config } from './config.ts'

function config(): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(2)
  }
}

const settings = config()
const log = pino({ level: settings.logLevel })
try {
  const app = await startApp(settings, log)
  console.log(await welcome(app))
  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping')
    app[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop).once('SIGINT', stop)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

/** What a newcomer reads first. */
async function welcome({ url, db, viewer }: Awaited<ReturnType<typeof startApp>>): Promise<string> {
  const { diskId } = await exampleIds(db, viewer)
  const seconds = (performance.now() / 1000).toFixed(1)
  return `
Snapgate is ready (${seconds} s): ${url}/graphql
Open it in a browser for GraphiQL, or ${url} for the console. No credentials are configured: it listens on this machine only, for one local account.

Three things to try there:
  1. { disks { nodes { id name status snapshotEligibility { allowed } } } }
  2. mutation { createSnapshot(input: { diskId: "${diskId}", name: "first" }) { ... on CreateSnapshotPayload { snapshot { id status } } ... on UserError { message } } }
  3. subscription { snapshotTransitions { from to at snapshot { name progress } } }   then do 2 again in another tab
`
}
