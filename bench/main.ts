import { benchConsole } from './console.ts'
import { benchCopy } from './copy.ts'
import { benchFanout } from './fanout/fanout.ts'
import { benchQueries } from './queries/queries.ts'

const BENCHES: Record<string, (args: readonly string[]) => Promise<void>> = {
  console: benchConsole,
  copy: benchCopy,
  fanout: benchFanout,
  queries: benchQueries,
}

const name = process.argv[2] ?? ''
const bench = BENCHES[name]
if (bench) {
  await bench(process.argv.slice(3))
} else {
  console.error(`Usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}>`)
  process.exitCode = 2
}
