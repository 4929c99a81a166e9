import { BAIDU_ABILITIES, BAIDU_DOMAIN, baiduEndpoint, createBaiduCloud } from './baidu/baidu.ts'
import { CINDER_ABILITIES, createCinderCloud } from './cinder/cinder.ts'
import type { Cloud, CloudAbilities } from './cloud/cloud.ts'
import { parseCredentials } from './cloud/credentials.ts'
import { endpointProblem } from './cloud/endpoints.ts'
import { createUpstream, type Upstream } from './cloud/upstream.ts'

/** The clouds that the gateway can speak to. */
export const CLOUD_PROVIDERS = ['baidu', 'cinder'] as const

/** What each can do; undefined for a provider that is no cloud. */
export const abilitiesOf = (provider: string): CloudAbilities | undefined =>
  new Map<string, CloudAbilities>([
    ['baidu', BAIDU_ABILITIES],
    ['cinder', CINDER_ABILITIES],
  ]).get(provider)

export interface ConnectionOptions {
  provider: (typeof CLOUD_PROVIDERS)[number]
  region: string
  /** Where the cloud is: of OpenStack, its identity service. Baidu's own endpoint of the region unless given. */
  endpoint?: URL | undefined
  /** Gives the credentials as JSON, anew each time that they are needed. */
  secret: () => Promise<string>
  /** Where they are, for messages. */
  secretPlace: string
  /** The hosts that may be called besides the cloud's own. */
  upstreamHosts: readonly string[]
  /** Holds requests back until they may be sent. */
  pace?: ((upstream: Upstream) => Upstream) | undefined
  now: () => Date
}

/** What is wrong with where a connection would lead, in a sentence; undefined when it may be called. */
export function destinationProblem({
  provider,
  region,
  endpoint,
  upstreamHosts: hosts,
}: Pick<ConnectionOptions, 'provider' | 'region' | 'endpoint' | 'upstreamHosts'>): string | undefined {
  if (provider === 'baidu')
    return endpointProblem(endpoint ?? baiduEndpoint(region), { domains: [BAIDU_DOMAIN], hosts })
  if (endpoint === undefined)
    return 'A connection to OpenStack needs the address of its identity service (Keystone).'
  return endpointProblem(endpoint, { domains: [], hosts })
}

/** Opens one account in one region of a cloud. Nothing is asked of the cloud yet. */
export function openCloud(options: ConnectionOptions): Cloud {
  const { provider, region, endpoint, secret, secretPlace, upstreamHosts: hosts, now } = options
  const { pace = (upstream: Upstream) => upstream } = options
  if (provider === 'baidu')
    return createBaiduCloud({
      endpoint: endpoint ?? baiduEndpoint(region),
      key: async () => parseCredentials('baidu', await secret(), secretPlace),
      upstream: pace(createUpstream({ domains: [BAIDU_DOMAIN], hosts })),
      now,
    })
  if (endpoint === undefined)
    throw new Error('A connection to OpenStack needs the address of its identity service.')
  return createCinderCloud({
    authUrl: endpoint,
    region,
    credentials: async () => parseCredentials('cinder', await secret(), secretPlace),
    upstream: pace(createUpstream({ domains: [], hosts })),
    now,
  })
}
