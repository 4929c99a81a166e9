import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { RELEASES, releases } from './releases.ts'

const { GATEWAY = 'http://localhost:4000/graphql', TOKEN = '', PORT = '0' } = process.env

async function listen(server: Server, port = 0): Promise<string> {
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

/** The schema of Snapgate as a subgraph, for a token that may introspect. */
async function subgraph(): Promise<string> {
  const response = await fetch(GATEWAY, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query: '{ _service { sdl } }' }),
  })
  const { data } = (await response.json()) as { data: { _service: { sdl: string } } }
  return data._service.sdl
}

const composed = composeServices([
  { name: 'snapgate', url: GATEWAY, typeDefs: parse(await subgraph()) },
  { name: 'releases', url: await listen(releases()), typeDefs: parse(RELEASES) },
])
if (!composed.supergraphSdl) throw new AggregateError(composed.errors ?? [], 'The subgraphs do not fit.')

// Each client asks with its own credential, which Snapgate decides by.
const gateway = createGatewayRuntime({
  supergraph: composed.supergraphSdl,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') ?? '' }),
  },
})
const url = await listen(
  createServer((request, response) => void gateway(request, response)),
  Number(PORT),
)
console.log('ready', url)
