import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { endpointProblem, isInternal } from '../../../src/providers/cloud/endpoints.ts'
import { createUpstream } from '../../../src/providers/cloud/upstream.ts'

const signal = new AbortController().signal
const RULES = { domains: ['baidubce.com'], hosts: ['cinder.example:8776'] }

describe('an endpoint', () => {
  test.each([
    'https://bcc.bj.baidubce.com',
    'https://baidubce.com',
    'http://cinder.example:8776/volume',
    'https://cinder.example:8776',
  ])('%s is allowed', (endpoint) => {
    expect(endpointProblem(new URL(endpoint), RULES)).toBeUndefined()
  })

  test.each([
    ['http://bcc.bj.baidubce.com', /must begin with https/],
    ['https://bcc.bj.baidubce.com:8443', /does not allow the host/],
    ['https://baidubce.com.evil.example', /does not allow the host/],
    ['https://notbaidubce.com', /does not allow the host/],
    ['https://127.0.0.1', /does not allow the host/],
    ['https://cinder.example', /does not allow the host/],
    ['https://user:secret@bcc.bj.baidubce.com', /user name or password/],
    ['file:///etc/passwd', /must begin with https/],
  ])('%s is not', (endpoint, problem) => {
    expect(endpointProblem(new URL(endpoint), RULES)).toMatch(problem)
  })

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '::1',
    '::ffff:169.254.169.254',
    'fd00::1',
    'fe80::1',
  ])('%s is an internal address', (address) => {
    expect(isInternal(address)).toBe(true)
  })

  test.each(['8.8.8.8', '172.32.0.1', '2400:da00::1', '::ffff:8.8.8.8'])(
    '%s is a public address',
    (address) => {
      expect(isInternal(address)).toBe(false)
    },
  )
})

async function serving(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`
  return {
    url: new URL(`http://${host}/`),
    upstream: createUpstream({ domains: [], hosts: [host] }),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

describe('an upstream request', () => {
  test('follows no redirect', async () => {
    let asked = 0
    await using server = await serving((_, response) => {
      asked++
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    })
    const answer = await server.upstream({ method: 'GET', url: server.url, headers: {} }, signal)
    expect(answer.status).toBe(302)
    expect(asked).toBe(1)
  })

  test('takes no answer above 16 MiB', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.alloc(17 * 2 ** 20, ' '))
    })
    await expect(
      server.upstream({ method: 'GET', url: server.url, headers: {} }, signal),
    ).rejects.toMatchObject({
      class: 'PASSING',
      code: 'ERR_ANSWER_TOO_LARGE',
    })
  })

  test('takes as JSON only what says that it is', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('{"a":1}')
    })
    const answer = await server.upstream({ method: 'GET', url: server.url, headers: {} }, signal)
    expect(answer).toMatchObject({ json: undefined, text: '{"a":1}' })
  })

  test('that nobody listens to has done nothing', async () => {
    const { url, upstream } = await (async () => {
      await using server = await serving(() => undefined)
      return server
    })()
    await expect(upstream({ method: 'POST', url, headers: {} }, signal)).rejects.toMatchObject({
      class: 'UNREACHABLE',
      code: 'ECONNREFUSED',
    })
  })

  test('that is cut while it waits is unclear when it is a change', async () => {
    await using server = await serving((request) => request.socket.destroy())
    const ask = (method: 'GET' | 'POST') => server.upstream({ method, url: server.url, headers: {} }, signal)
    await expect(ask('POST')).rejects.toMatchObject({ class: 'UNCLEAR' })
    await expect(ask('GET')).rejects.toMatchObject({ class: 'PASSING' })
  })

  test('ends with the reason of its signal', async () => {
    const abort = new AbortController()
    await using server = await serving(() => abort.abort(new Error('enough')))
    await expect(
      server.upstream({ method: 'GET', url: server.url, headers: {} }, abort.signal),
    ).rejects.toThrow('enough')
  })

  test('never goes to an internal address by a name that is allowed', async () => {
    const upstream = createUpstream({ domains: ['localhost'], hosts: [] })
    await expect(
      upstream({ method: 'GET', url: new URL('https://localhost'), headers: {} }, signal),
    ).rejects.toMatchObject({ class: 'UNREACHABLE', code: 'ERR_INTERNAL_ADDRESS' })
  })
})
