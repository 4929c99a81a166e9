import { isIPv6, type Socket } from 'node:net'

type Peer = Pick<Socket, 'remoteAddress'>

/** The address that a client is counted by: of IPv6 the first 64 bits, as a site has all others to itself. */
export function addressOf({ remoteAddress = '' }: Peer): string {
  if (!isIPv6(remoteAddress) || remoteAddress.startsWith('::ffff:')) return remoteAddress
  const [head = '', tail] = remoteAddress.split('::')
  const groups = head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0')].slice(0, 4).join(':')
}

/** The address at the other end of a connection, which is that of the proxy where there is one; null once it is gone. */
export function clientAddress({ remoteAddress }: Peer): string | null {
  return remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? null
}
