import { expect, test } from 'vitest'
import { preparedTabs } from '../../src/server/pages/graphiql/tabs.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { openConsole, row, signIn } from '../support/console-page.ts'
import { openGraphiql } from '../support/graphiql-page.ts'
import { labelled, scrape } from '../support/metrics.ts'

const NAMES = ['ListDisks', 'CreateSnapshot', 'WatchSnapshot', 'WatchProgress', 'WatchEverything']
const [LIST, CREATE, WATCH] = preparedTabs({ diskId: '', snapshotId: '' }).map(({ document }, index) => ({
  tab: NAMES[index] ?? '',
  document,
})) as [Tab, Tab, Tab]

interface Tab {
  tab: string
  document: string
}

/** Takes the tour as far as a snapshot that is CREATING, and answers its id. */
async function createSnapshot(
  app: TestApp,
  graphiql: Awaited<ReturnType<typeof openGraphiql>>,
): Promise<string> {
  const disk = await app.disk({ name: 'data-1' })
  await graphiql.run({ ...LIST, shows: '"name": "data-1"' })
  const variables = { input: { diskId: disk.id, name: 'first' } }
  await graphiql.run({ ...CREATE, variables, shows: '"status": "CREATING"' })
  return (await app.db.snapshot.findFirstOrThrow()).id
}

describeInBrowser('GraphiQL in a browser', ({ browser }) => {
  test('lists disks, creates a snapshot and watches it complete over WebSocket, and calls no other host', async () => {
    await using app = await startTestApp()
    await using graphiql = await openGraphiql(browser(), app.endpoint)

    expect(await graphiql.tabs()).toEqual(NAMES)
    const id = await createSnapshot(app, graphiql)
    await graphiql.run({ ...WATCH, variables: { id }, shows: '"to": "CREATING"' })
    await app.runner.tick()
    await graphiql.resultShows('"to": "COMPLETED"')

    expect(graphiql.received).toMatchObject([
      { type: 'connection_ack' },
      { type: 'next', payload: { data: { snapshotStatus: { to: 'CREATING' } } } },
      { type: 'next', payload: { data: { snapshotStatus: { to: 'COMPLETED' } } } },
      { type: 'complete' },
    ])
    expect(await graphiql.readDocumentation('Query')).toContain('Queries. Each is limited')
    const called = [...graphiql.requests, ...graphiql.sockets].map((url) => new URL(url))
    const { host } = new URL(app.endpoint)
    expect(called.filter((url) => url.protocol !== 'data:' && url.host !== host)).toEqual([])
    expect(graphiql.problems).toEqual([])
  })

  test('watches a snapshot complete over SSE, one click away', async () => {
    await using app = await startTestApp()
    await using graphiql = await openGraphiql(browser(), app.endpoint)

    await graphiql.page.getByRole('link', { name: 'SSE' }).click()
    await graphiql.page.waitForURL('**/graphql?protocol=sse')
    const id = await createSnapshot(app, graphiql)
    await graphiql.run({ ...WATCH, variables: { id }, shows: '"to": "CREATING"' })
    await app.runner.tick()
    await graphiql.resultShows('"to": "COMPLETED"')

    expect(graphiql.sockets).toEqual([])
    expect(await graphiql.tabs()).toEqual(NAMES)
  })

  test('sends the headers of a tab with the WebSocket too', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const created = await app.graphql(CREATE.document, { input: { diskId: disk.id, name: 'first' } })
    const id = created.data.createSnapshot.snapshot.id as string
    await app.runner.tick()
    await using graphiql = await openGraphiql(browser(), app.endpoint)

    await graphiql.openTab(WATCH)
    await graphiql.setHeaders({ authorization: 'Bearer one' })
    await graphiql.page.getByRole('button', { name: 'Variables' }).click()
    await graphiql.run({ ...WATCH, variables: { id }, shows: '"to": "COMPLETED"' })
    expect(graphiql.sent[0]).toEqual({ type: 'connection_init', payload: { authorization: 'Bearer one' } })
  })

  test.each(['ws', 'sse'])(
    'works with a token among the headers, also for subscriptions over %s, and not without one',
    async (protocol) => {
      await using app = await startTestApp()
      const disk = await app.disk({ name: 'data-1' })
      const admin = await app.token('ADMIN')
      const created = await admin.graphql(CREATE.document, { input: { diskId: disk.id, name: 'first' } })
      const id = created.data.createSnapshot.snapshot.id as string
      await app.runner.tick()
      await using graphiql = await openGraphiql(browser(), `${app.endpoint}?protocol=${protocol}`)
      await graphiql.run({ ...LIST, shows: 'UNAUTHENTICATED' })

      await graphiql.setHeaders({ authorization: `Bearer ${admin.token}` })
      await graphiql.run({ ...LIST, shows: '"name": "data-1"' })
      await graphiql.openTab(WATCH)
      await graphiql.setHeaders({ Authorization: `Bearer ${admin.token}` })
      await graphiql.page.getByRole('button', { name: 'Variables' }).click()
      await graphiql.run({ ...WATCH, variables: { id }, shows: '"to": "COMPLETED"' })
      await graphiql.page.getByRole('button', { name: 'Re-fetch GraphQL schema' }).click()
      expect(await graphiql.readDocumentation('Query')).toContain('The account and role of this request.')

      expect(graphiql.sockets).toHaveLength(protocol === 'ws' ? 1 : 0)
      const addresses = [...graphiql.requests, ...graphiql.sockets].join('\n')
      expect(addresses).not.toContain('sg_')
      expect(await graphiql.page.context().cookies()).toEqual([])
    },
  )

  test('opened from a signed-in console it is signed in, on both ways, and nothing but that tab knows the token', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    const admin = await app.token('ADMIN')
    await using tab = await openConsole(browser(), `${app.url}/disks`)
    const { page, context, requests } = tab
    await signIn(page, admin.token)
    await row(page, 'data-1').waitFor()
    const sent: string[] = []
    context.on('page', (opened) =>
      opened.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => sent.push(payload.toString())),
      ),
    )

    const arriving = context.waitForEvent('page')
    await page.getByRole('link', { name: 'GraphiQL' }).click()
    const graphiql = await arriving
    const play = graphiql.getByRole('button', { name: /Execute query/ })
    await play.click()
    const results = graphiql.locator('.result-window')
    await results.getByText('"name": "data-1"').waitFor()
    await graphiql.getByRole('button', { name: 'WatchEverything', exact: true }).press('Enter')
    await graphiql.waitForFunction(() =>
      localStorage.getItem('graphiql:query')?.includes('subscription WatchEverything'),
    )
    await play.click()
    await expect.poll(() => sent[0]).toContain(`"authorization":"Bearer ${admin.token}"`)

    expect(requests.filter((url) => url.includes('sg_'))).toEqual([])
    expect(await graphiql.evaluate(() => JSON.stringify(localStorage))).not.toContain('sg_')
    expect(await graphiql.evaluate(() => opener as unknown)).toBeNull()
    const fresh = await context.newPage()
    await fresh.goto(app.endpoint)
    await fresh.getByRole('button', { name: /Execute query/ }).waitFor()
    expect(
      await fresh.evaluate(() => JSON.stringify([localStorage, sessionStorage]) + document.body.innerHTML),
    ).not.toContain('sg_')
  })

  test('fetches the schema again when a header changes, once it is whole, and not when nothing changed', async () => {
    await using app = await startTestApp({ INTROSPECTION: 'false' })
    const admin = await app.token('ADMIN')
    await using graphiql = await openGraphiql(browser(), app.endpoint)
    let introspections = 0
    graphiql.page.on('request', (request) => {
      if (request.url().endsWith('/schema.json')) introspections++
    })

    await graphiql.setHeaders({ authorization: `Bearer ${admin.token}` })
    await expect.poll(() => introspections).toBe(1)
    expect(await graphiql.readDocumentation('Query')).toContain('The account and role of this request.')
    await graphiql.setHeaders({ Authorization: `Bearer ${admin.token}`, 'x-more': '1' })
    await expect.poll(() => introspections).toBe(2)
  })

  test('its introspection is compressed, kept by the browser and only asked for again', async () => {
    await using app = await startTestApp()
    await using graphiql = await openGraphiql(browser(), app.endpoint)
    const { page } = graphiql
    const debug = await page.context().newCDPSession(page)
    const answers: { statusCode: number; encoding: string | undefined }[] = []
    debug.on('Network.responseReceivedExtraInfo', ({ statusCode, headers }) => {
      if (headers['cache-control'] === 'private, no-cache')
        answers.push({ statusCode, encoding: headers['content-encoding'] })
    })
    await debug.send('Network.enable')
    await page.getByRole('button', { name: 'Re-fetch GraphQL schema' }).click()
    await expect.poll(() => answers.at(-1)?.statusCode).toBe(304)
    await page.evaluate(() => fetch('/schema.json', { cache: 'reload' }))
    await expect.poll(() => answers.at(-1)).toEqual({ statusCode: 200, encoding: 'br' })
    expect(await graphiql.readDocumentation('Query')).toContain('The account and role of this request.')
  })

  test.each(['ws', 'sse'])('lists every result of a subscription over %s with its time', async (protocol) => {
    await using app = await startTestApp({ METRICS: '127.0.0.1:0' })
    const disk = await app.disk({ name: 'data-1' })
    await using graphiql = await openGraphiql(browser(), `${app.endpoint}?protocol=${protocol}`)
    const { page } = graphiql
    const transport = protocol === 'ws' ? 'websocket' : 'sse'
    const open = labelled('snapgate_subscriptions', { operation: 'snapshotTransitions', transport })
    const streams = async () => (await scrape(app)).get(open) ?? 0
    const log = page.getByRole('region', { name: 'Subscription results' })
    const [, , , , everything] = preparedTabs({ diskId: '', snapshotId: '' })
    expect(await log.isVisible()).toBe(false)
    await graphiql.openTab({ tab: 'WatchEverything', document: everything?.document ?? '' })
    await page.getByRole('button', { name: /Execute query/ }).click()
    await expect.poll(() => streams()).toBe(1)
    await app.graphql(CREATE.document, { input: { diskId: disk.id, name: 'first' } })
    await app.runner.tick()

    const results = log.getByRole('listitem')
    await expect.poll(() => results.count()).toBe(2)
    expect(await results.allInnerTexts()).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}\s+WatchEverything\s+.*"to": "COMPLETED"/),
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}\s+WatchEverything\s+.*"to": "CREATING"/),
    ])
    await page.getByRole('button', { name: /Stop query/ }).click()
    await expect.poll(() => streams()).toBe(0)
    await log.getByRole('button', { name: 'Clear' }).click()
    expect(await log.isVisible()).toBe(false)
    // To stop an event stream is to abort its request.
    expect(graphiql.problems.filter((problem) => !problem.endsWith('net::ERR_ABORTED'))).toEqual([])
  })

  test('has a history, in which no credentials are kept', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    const admin = await app.token('ADMIN')
    await using graphiql = await openGraphiql(browser(), app.endpoint)
    const { page } = graphiql
    await graphiql.setHeaders({ authorization: `Bearer ${admin.token}` })
    await graphiql.run({ ...LIST, shows: '"name": "data-1"' })
    const history = () => page.evaluate(() => localStorage.getItem('graphiql:queries') ?? '')
    await expect.poll(history).toContain('ListDisks')
    expect(await history()).not.toContain('sg_')

    await page.reload()
    await page.getByRole('button', { name: 'Show History' }).click()
    await page.getByRole('button', { name: 'ListDisks', exact: true }).last().waitFor()
  })
})
