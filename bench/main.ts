import { benchCluster } from './cluster.ts'
import { benchConsole } from './console.ts'
import { benchCopy } from './copy.ts'
import { benchFanout } from './fanout/fanout.ts'
import { benchQueries } from './queries/queries.ts'
import { benchReplica } from './replica.ts'

const BENCHES: Record<string, (args: readonly string[]) => Promise<void>> = {
  cluster: benchCluster,
  console: benchConsole,
  copy: benchCopy,
  fanout: benchFanout,
  queries: benchQueries,
  replica: benchReplica,
}

const name = process.argv[2] ?? ''
const bench = BENCHES[name]
if (bench) {
  await bench(process.argv.slice(3))
} else {
  console.error(`Usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}>`)
  process.exitCode = 2
}
