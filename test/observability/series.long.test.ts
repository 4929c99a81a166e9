import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { operations, scrape } from '../support/metrics.ts'

test('a client that sends ten thousand names of operations, fields, aliases and itself makes no new series', async () => {
  await using app = await startTestApp({ METRICS: '127.0.0.1:0' })
  const ask = (count: number) =>
    postGraphql(
      app.endpoint,
      `query Name${count} { alias${count}: viewer { role } }`,
      {},
      { 'graphql-client-name': `client-${count}`, 'graphql-client-version': String(count) },
    )
  await ask(0)
  await app.graphql('{ nothing }')
  const before = [...(await scrape(app)).keys()].filter((name) => name.startsWith('snapgate_'))
  for (let count = 0; count < 10_000; count += 100)
    await Promise.all(Array.from({ length: 100 }, (_, at) => ask(count + at)))
  for (let count = 0; count < 100; count++) await app.graphql(`{ nothing${count} }`)

  const samples = await scrape(app)
  expect([...samples.keys()].filter((name) => name.startsWith('snapgate_'))).toEqual(before)
  expect(samples.get(operations('viewer', 'query'))).toBe(10_001)
})
