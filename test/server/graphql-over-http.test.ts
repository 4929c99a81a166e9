import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { CSRF_HEADER } from '../../src/server/request-rules.ts'
import { startTestApp } from '../support/app.ts'

/** The audits send GET requests as any client may; here a GET says that it was meant. */
function fetchOnPurpose(url: string, { headers, ...init }: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { ...(headers as Record<string, string>), [CSRF_HEADER]: '1' } })
}

const audits = (url: string) => serverAudits({ url, fetchFn: fetchOnPurpose })

test('the audits are all 61 that graphql-http has', () => {
  expect(audits('http://localhost')).toHaveLength(61)
})

test('the gateway passes every audit of the GraphQL over HTTP specification, the optional ones included', async () => {
  await using app = await startTestApp()
  const results = await Promise.all(audits(app.endpoint).map((audit) => audit.fn()))

  const failed = results
    .filter(({ status }) => status !== 'ok')
    .map((result) => `${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`)
  expect(failed).toEqual([])
  expect(results).toHaveLength(61)
})
