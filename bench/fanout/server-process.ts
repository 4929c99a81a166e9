import process from 'node:process'
import type { Contender, FromServer, ToServer } from './messages.ts'
import { SERVERS } from './servers.ts'

/** One contender, in a process of its own. */

const { port, publish } = await SERVERS[process.argv[2] as Contender]()

const tell = (message: FromServer) => process.send?.(message)

process.on('message', (message: ToServer) => {
  if (message.type === 'publish') {
    publish(message.rows)
  } else if (message.type === 'cpu') {
    const { user, system } = process.cpuUsage()
    tell({ type: 'cpu', micros: user + system })
  } else {
    // What is held, not what the collector has not given back yet.
    global.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    tell({ type: 'memory', rssBytes: process.memoryUsage.rss() })
  }
})
process.on('disconnect', () => process.exit(0))
tell({ type: 'ready', port })
