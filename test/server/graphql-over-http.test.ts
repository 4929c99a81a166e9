import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

const fetchWith =
  (more: Record<string, string>) =>
  (url: string, { headers, ...init }: RequestInit = {}): Promise<Response> =>
    fetch(url, { ...init, headers: { ...(headers as Record<string, string>), ...more } })

/** The audits as they are; with headers, only those of a credential. */
const audits = (url: string, headers?: Record<string, string>) =>
  serverAudits({ url, fetchFn: headers ? fetchWith(headers) : fetch })

test('the audits are all 61 that graphql-http has', () => {
  expect(audits('http://localhost')).toHaveLength(61)
})

test.each(['no credentials', 'a token'])(
  'with %s the gateway passes every audit of the GraphQL over HTTP specification, the optional ones included',
  async (credential) => {
    await using app = await startTestApp()
    const headers =
      credential === 'a token' ? { authorization: `Bearer ${(await app.token('VIEWER')).token}` } : undefined
    const results = await Promise.all(audits(app.endpoint, headers).map((audit) => audit.fn()))

    const failed = results
      .filter(({ status }) => status !== 'ok')
      .map((result) => `${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`)
    expect(failed).toEqual([])
    expect(results).toHaveLength(61)
  },
)

test('without a required credential, every request of the audits gets 401', async () => {
  await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })
  const statuses: number[] = []
  const fetchFn = async (url: string, init?: RequestInit) => {
    const response = await fetch(url, init)
    statuses.push(response.status)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="snapgate"')
    return response
  }
  await Promise.all(serverAudits({ url: app.endpoint, fetchFn }).map((audit) => audit.fn()))

  expect(statuses.length).toBeGreaterThanOrEqual(61)
  expect(new Set(statuses)).toEqual(new Set([401]))
})
