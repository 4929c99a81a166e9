import process from 'node:process'
import { exampleIds, startApp } from './app.ts'
import { keepFilesPrivate } from './database/private-files.ts'
import { createLog } from './log.ts'
import { ConfigError, type Config } from './config.ts'
import { loadConfig } from './environment.ts'
import { exitAtOnce } from './native/exit.ts'
import { exportsSpans, startTracing } from './tracing/export.ts'
import { onStopSignal, surviveFileSizeLimit } from './stop-signals.ts'

async function config(): Promise<Config> {
  try {
    return await loadConfig(process.env, console.error)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(2)
  }
}

keepFilesPrivate()
surviveFileSizeLimit()
const settings = await config()
const log = createLog(settings)
const tracing = exportsSpans(process.env) ? await startTracing(process.env) : undefined
const starting = startApp(settings, log, { isTracing: tracing !== undefined })
const stop = (signal: NodeJS.Signals) => {
  log.info({ signal }, 'stopping')
  // What is still starting is stopped once it has started; if that fails, the start reports it.
  starting
    .then((app) => app[Symbol.asyncDispose]())
    .then(() => tracing?.[Symbol.asyncDispose]())
    .then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop cleanly')
        exitAtOnce(1)
      },
    )
}
const reload = () => void starting.then((app) => app.reloadDocuments()).catch(() => undefined)
onStopSignal(stop, settings.trustedDocuments.length > 0 ? reload : undefined)
try {
  await announce(await starting)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

/** Says where it listens: to people on a terminal, and otherwise in one JSON line, at every LOG_LEVEL. */
async function announce(app: Awaited<ReturnType<typeof startApp>>): Promise<void> {
  if (process.stdout.isTTY) {
    console.log(await welcome(app))
    return
  }
  const { url, metricsUrl, credentials } = app
  const facts = { url, metricsUrl, credentialsRequired: credentials.required }
  log.child({}, { level: 'info' }).info({ ...facts, tookMs: Math.round(performance.now()) }, 'ready')
}

/** What a newcomer reads first. */
async function welcome({ url, db, viewer, credentials }: Awaited<ReturnType<typeof startApp>>) {
  const { diskId } = await exampleIds(db, viewer)
  const seconds = (performance.now() / 1000).toFixed(1)
  return `
Snapgate is ready (${seconds} s): ${url}/graphql
Open it in a browser for GraphiQL, or ${url} for the console.
${whoMayComeIn(credentials.required)}

Three things to try there:
  1. { disks { nodes { id name status snapshotEligibility { allowed } } } }
  2. mutation { createSnapshot(input: { diskId: "${diskId}", name: "first" }) { ... on CreateSnapshotPayload { snapshot { id status } } ... on UserError { message } } }
  3. subscription { snapshotTransitions { from to at snapshot { name progress } } }   then do 2 again in another tab
`
}

function whoMayComeIn(required: boolean): string {
  if (required)
    return 'Every request needs a credential; in GraphiQL, under Headers: {"authorization": "Bearer <token>"}'
  return `
NO CREDENTIALS ARE REQUIRED: anyone who can reach this port is the administrator of the local account.
To close it, make an API token: npm run token -- create --name me --role admin`
}
