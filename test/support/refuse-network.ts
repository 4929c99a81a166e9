/** Loaded before a program (`--import`): every way out of this machine ends the process and says where it led. */
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'
import process from 'node:process'

type Anything = (...args: unknown[]) => unknown

const HERE = ['localhost', '127.0.0.1', '::1']

function refuse(where: string): void {
  process.stderr.write(`NETWORK ${where}\n`, () => process.exit(99))
}

/** Puts `before` in front of a method. */
function guard(owner: object, name: string, before: (args: unknown[]) => void): void {
  const methods = owner as Record<string, Anything>
  const original = methods[name]
  methods[name] = function (this: unknown, ...args) {
    before(args)
    return original?.apply(this, args)
  }
}

guard(net.Socket.prototype, 'connect', (args) => {
  // Node calls itself with its arguments in a list.
  const [to, host] = (Array.isArray(args[0]) ? args[0] : args) as [unknown, unknown]
  const { host: named, path } = (typeof to === 'object' ? to : { host }) as { host?: unknown; path?: unknown }
  if (path === undefined && typeof named === 'string' && !HERE.includes(named)) refuse(named)
})
guard(dns, 'lookup', ([host]) => {
  if (!HERE.includes(String(host))) refuse(String(host))
})
guard(dgram.Socket.prototype, 'send', () => refuse('by UDP'))
