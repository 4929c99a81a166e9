import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { openGraphiql } from '../support/graphiql-page.ts'
import { startToyGraphiql, TOY_TABS } from '../support/toy-graphiql.ts'

const GREET = { tab: 'Greet', document: TOY_TABS[0].document, shows: '"Hello, Ada!"' }
const COUNT = { tab: 'Count', document: TOY_TABS[1].document, shows: '"counter": 3' }

const why = NO_BROWSER ? ' (skipped: no browser; install chromium or set CHROMIUM_PATH)' : ''

describe.skipIf(NO_BROWSER)(`GraphiQL in a browser${why}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  test('opens with the prepared tabs and runs a query', async () => {
    await using toy = await startToyGraphiql()
    await using graphiql = await openGraphiql(browser, toy.url)

    expect(await graphiql.tabs()).toEqual(['Greet', 'Count', 'GreetYou'])
    await graphiql.run(GREET)
    expect(graphiql.problems).toEqual([])
  })

  test('runs a subscription over WebSocket', async () => {
    await using toy = await startToyGraphiql()
    await using graphiql = await openGraphiql(browser, toy.url)

    await graphiql.run(COUNT)
    expect(graphiql.received).toMatchObject([
      { type: 'connection_ack' },
      { type: 'next', payload: { data: { counter: 1 } } },
      { type: 'next', payload: { data: { counter: 2 } } },
      { type: 'next', payload: { data: { counter: 3 } } },
      { type: 'complete' },
    ])
    expect(graphiql.problems).toEqual([])
  })

  test('runs a subscription over SSE, one click away', async () => {
    await using toy = await startToyGraphiql()
    await using graphiql = await openGraphiql(browser, toy.url)

    await graphiql.page.getByRole('link', { name: 'SSE' }).click()
    await graphiql.page.waitForURL('**/graphql?protocol=sse')
    const [events] = await Promise.all([
      graphiql.page.waitForResponse(
        (response) => response.request().headers().accept === 'text/event-stream',
      ),
      graphiql.run({ ...COUNT, variables: { to: 5 }, shows: '"counter": 5' }),
    ])
    expect(await events.text()).toContain('data: {"data":{"counter":4}}')
    expect(graphiql.sockets).toEqual([])
    expect(await graphiql.tabs()).toEqual(['Greet', 'Count', 'GreetYou'])
  })

  test('calls no other host, and breaks no rule of its content security policy', async () => {
    await using toy = await startToyGraphiql()
    await using graphiql = await openGraphiql(browser, toy.url)

    await graphiql.run(GREET)
    await graphiql.run(COUNT)
    expect(await graphiql.readDocumentation('Query')).toContain('A friendly word.')

    const { host } = new URL(toy.url)
    const called = [...graphiql.requests, ...graphiql.sockets].map((url) => new URL(url))
    const elsewhere = called.filter((url) => url.protocol !== 'data:' && url.host !== host)
    expect(elsewhere).toEqual([])
    expect(graphiql.problems).toEqual([])
  })

  test('sends the headers of a tab with the WebSocket too', async () => {
    await using toy = await startToyGraphiql()
    await using graphiql = await openGraphiql(browser, toy.url)

    await graphiql.openTab(COUNT)
    await graphiql.setHeaders({ authorization: 'Bearer one' })
    await graphiql.run(COUNT)
    expect(toy.connectionParams).toEqual([{ authorization: 'Bearer one' }])
  })
})
