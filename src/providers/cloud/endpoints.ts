import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * The addresses that no endpoint may have unless its host is allowed by name: this host, its networks, and what answers
 * for a whole cloud at a link-local address.
 */
const INTERNAL = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  INTERNAL.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INTERNAL.addSubnet(network, prefix, 'ipv6')

/** Whether an address is of this host, its networks, or of none. IPv4 addresses written as IPv6 are looked at as IPv4. */
export const isInternal = (address: string): boolean =>
  INTERNAL.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Which hosts the gateway calls. */
export interface EndpointRules {
  /** Domains of the cloud itself: `baidubce.com` allows each host of it, by `https` and at public addresses only. */
  domains: readonly string[]
  /** Hosts that the operator allows, with a port when it is not that of the scheme: at any address, and by `http` too. */
  hosts: readonly string[]
}

/** What is wrong with an endpoint, in a sentence; undefined when it may be called. */
export function endpointProblem(endpoint: URL, { domains, hosts }: EndpointRules): string | undefined {
  if (endpoint.username || endpoint.password) return 'An endpoint must not contain a user name or password.'
  if (hosts.includes(endpoint.host))
    return ['http:', 'https:'].includes(endpoint.protocol)
      ? undefined
      : 'An endpoint must begin with https://.'
  if (endpoint.protocol !== 'https:')
    return `An endpoint must begin with https:// unless UPSTREAM_HOSTS names its host, ${endpoint.host}.`
  const { hostname, port } = endpoint
  if (port === '' && domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`)))
    return undefined
  return `UPSTREAM_HOSTS does not allow the host ${endpoint.host}.`
}

/**
 * Resolves a host for a connection, and refuses internal addresses: a name that is allowed may be pointed anywhere. The
 * connection goes to the very address that was looked at.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const internal = error ? undefined : addresses.find(({ address }) => isInternal(address))
    if (error) callback(error, '')
    else if (internal)
      callback(Object.assign(new Error('internal address'), { code: 'ERR_INTERNAL_ADDRESS' }), '')
    else if (options.all) callback(null, addresses)
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family)
  })
}
