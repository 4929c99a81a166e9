import process from 'node:process'
import type { Target } from './load.ts'
import type { Observed } from './servers/observed.ts'
import type { Contender } from './session.ts'

/** One contender, in a process of its own, with nothing loaded that it does not need. */

const SERVERS: Record<Contender, (path: string) => Promise<Target>> = {
  raw: async (path) => (await import('./servers/raw.ts')).raw(path),
  'gateway, hot': async () => (await import('./servers/gateway.ts')).gateway(),
  'gateway, cold': async () => (await import('./servers/gateway.ts')).gateway(),
  'Mercurius JIT, SQL': async (path) => (await import('./servers/peers.ts')).mercuriusSql(path),
  'Mercurius JIT, Prisma': async (path) => (await import('./servers/peers.ts')).mercuriusPrisma(path),
  'Apollo, Prisma': async (path) => (await import('./servers/peers.ts')).apollo(path),
  'Yoga, Pothos, Prisma': async (path) => (await import('./servers/peers.ts')).yogaPothos(path),
}

const [, , contender, path, isSwitched] = process.argv
const observed = isSwitched === undefined ? undefined : await import('./servers/observed.ts')
observed?.prepareToObserve()
const served = await SERVERS[contender as Contender](path ?? '')

process.on('message', (message: 'usage' | { observe: Observed }) => {
  if (message !== 'usage') observed?.observe(message.observe)
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => process.exit(0))
process.send?.(served)
