import { benchCopy } from './copy.ts'
import { benchFanout } from './fanout/fanout.ts'

const BENCHES: Record<string, () => Promise<void>> = {
  copy: benchCopy,
  fanout: benchFanout,
}

const name = process.argv[2] ?? ''
const bench = BENCHES[name]
if (bench) {
  await bench()
} else {
  console.error(`Usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}>`)
  process.exitCode = 2
}
