import { createServer } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

/** Loaded into a gateway: says, to each connection, how long its event loop was held since the last one, and its CPU. */

export interface Probe {
  maxDelayMs: number
  p99DelayMs: number
  cpuMs: number
}

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  let cpu = process.cpuUsage()

  createServer((socket) => {
    const { user, system } = process.cpuUsage(cpu)
    cpu = process.cpuUsage()
    const probe: Probe = {
      maxDelayMs: delay.max / 1e6,
      p99DelayMs: delay.percentile(99) / 1e6,
      cpuMs: (user + system) / 1e3,
    }
    delay.reset()
    socket.end(JSON.stringify(probe))
  })
    .listen(process.env.PROBE_SOCKET)
    .unref()
}
