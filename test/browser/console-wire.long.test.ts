import type { Page, WebSocketRoute } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, isLive, row, signIn } from '../support/console-page.ts'
import { mutate } from '../support/snapshots.ts'

type Stream = 'snapshotTransitions' | 'diskTransitions'

/** Puts a test between the page and its socket: it can cut the line, mend it, listen, and speak. */
async function holdWire(page: Page) {
  const sockets: WebSocketRoute[] = []
  const transitions: Record<Stream, any[]> = { snapshotTransitions: [], diskTransitions: [] }
  const subscriptions: Record<Stream, any[]> = { snapshotTransitions: [], diskTransitions: [] }
  const streams = Object.keys(transitions) as Stream[]
  let isCut = false
  await page.routeWebSocket('**/graphql', (socket) => {
    if (isCut) return void socket.close()
    sockets.push(socket)
    const server = socket.connectToServer()
    socket.onMessage((text) => {
      const message = JSON.parse(text.toString())
      for (const stream of streams) {
        if (String(message.payload?.query).includes(stream)) subscriptions[stream].push(message)
      }
      server.send(text)
    })
    server.onMessage((text) => {
      const message = JSON.parse(text.toString())
      for (const stream of streams) {
        if (message.payload?.data?.[stream]) transitions[stream].push(message)
      }
      socket.send(text)
    })
  })
  return {
    transitions,
    subscriptions,
    async cut() {
      isCut = true
      await sockets.at(-1)?.close()
    },
    mend() {
      isCut = false
    },
    send: (message: object) => sockets.at(-1)?.send(JSON.stringify(message)),
  }
}

describeInBrowser('the console in a browser, as its connection is held', ({ open }) => {
  test('a cut connection is said, resumed from the last cursor, and what comes twice changes nothing', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/snapshots', [/WebSocket/])
    const { page } = tab
    const wire = await holdWire(page)
    await page.reload()
    await isLive(page)
    const create = (name: string) => mutate(app, 'createSnapshot', { diskId: disk.id, name })

    await create('first')
    await row(page, 'first').getByText('Creating', { exact: true }).waitFor()
    await wire.cut()
    await page.getByText('Reconnecting').waitFor()
    await app.runner.tick()
    await create('second')
    await page.getByText(/^Offline since/).waitFor()
    // Held by its element: the page may reconnect on its own first, and the button goes.
    const tryAgain = await button(page, 'Try again').elementHandle()
    wire.mend()
    await tryAgain.evaluate((element) => (element as HTMLElement).click())
    await isLive(page)
    await row(page, 'first').getByText('Completed', { exact: true }).waitFor()
    await row(page, 'second').getByText('Creating', { exact: true }).waitFor()

    const [firstCreating, ...others] = wire.transitions.snapshotTransitions
    const seen = (stream: Stream) => wire.transitions[stream].map(({ payload }) => payload.data[stream])
    expect(seen('snapshotTransitions').map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    // The first is its registration, before the page was read.
    expect(seen('diskTransitions').map(({ sequence }) => sequence)).toEqual([2, 3, 4])
    for (const stream of ['snapshotTransitions', 'diskTransitions'] as const) {
      expect(wire.subscriptions[stream].at(-1)?.payload.variables).toEqual({
        after: seen(stream)[0].cursor,
      })
    }
    await page.evaluate(() => {
      const region = document.querySelector('.unseen[aria-live]')
      const said: string[] = []
      Object.assign(globalThis, { said })
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes)
          said.push(...[...addedNodes].map((line) => line.textContent ?? ''))
      }).observe(region ?? document, { childList: true })
    })
    wire.send({ ...firstCreating, id: others.at(-1)?.id })
    await app.runner.tick()
    await row(page, 'second').getByText('Completed', { exact: true }).waitFor()
    // The end of one's own work is a notice; a step on the way is announced.
    await page.getByText('Snapshot second created').waitFor()
    await create('third')
    await row(page, 'third').getByText('Creating', { exact: true }).waitFor()
    expect(await page.evaluate(() => (globalThis as unknown as { said: string[] }).said)).toEqual([
      'Snapshot third: Creating',
    ])
    expect(await row(page, 'first').getByText('Completed', { exact: true }).count()).toBe(1)
  })

  test('when the log no longer reaches back to the cursor, the page lists again', async () => {
    let days = 0
    await using app = await startTestApp(
      { LOG_RETENTION_DAYS: '1', LOG_RETENTION_EVENTS: '0' },
      { now: () => new Date(Date.now() + days * 86_400_000) },
    )
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/snapshots', [/WebSocket/])
    const { page } = tab
    const wire = await holdWire(page)
    await page.reload()
    await isLive(page)

    await wire.cut()
    await page.getByText('Reconnecting').waitFor()
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'unseen' })
    await app.runner.tick()
    days = 2
    await app.housekeeping.tick()
    wire.mend()
    await row(page, 'unseen').getByText('Completed', { exact: true }).waitFor()
    await isLive(page)
  })

  test('after signing out while the connection is lost nothing of it connects again', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const admin = await app.token('ADMIN')
    await using tab = await open(app, '/healthz', [/401/, /404/, /WebSocket/])
    const { page } = tab
    const wire = await holdWire(page)
    await page.clock.install()
    await page.goto(`${app.url}/disks`)
    await signIn(page, admin.token)
    await isLive(page)
    await wire.cut()
    await page.getByText('Reconnecting').waitFor()
    await button(page, 'Sign out').click()
    await page.getByLabel('Token').waitFor()
    wire.mend()
    const before = wire.subscriptions.diskTransitions.length

    await signIn(page, admin.token)
    await isLive(page)
    // Longer than any wait for another attempt.
    await page.clock.fastForward(60_000)
    await mutate(admin, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' })
    await row(page, 'data-1').getByText('Attaching', { exact: true }).waitFor()
    expect(wire.subscriptions.diskTransitions.length - before).toBe(1)
  })

  test('a search begins while transitions keep coming', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.disk({ name: 'other' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    const wire = await holdWire(page)
    await page.reload()
    await isLive(page)
    await mutate(app, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' })
    await row(page, 'data-1').getByText('Attaching', { exact: true }).waitFor()

    const [message] = wire.transitions.diskTransitions
    const { diskTransitions: transition } = message.payload.data
    let { sequence } = transition
    const timer = setInterval(() => {
      const status = ++sequence % 2 === 0 ? 'IN_USE' : 'ATTACHING'
      const next = { ...transition, sequence, to: status, disk: { ...transition.disk, status } }
      wire.send({ ...message, payload: { data: { diskTransitions: next } } })
    }, 50)
    try {
      await page.getByRole('searchbox').fill('data')
      await row(page, 'other').waitFor({ state: 'detached' })
    } finally {
      clearInterval(timer)
    }
  })

  test('a list that arrives behind a transition does not undo it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'slow' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)
    await row(page, 'slow').getByText('Creating', { exact: true }).waitFor()
    const read = Promise.withResolvers<undefined>()
    const arrive = Promise.withResolvers<undefined>()
    await page.route('**/graphql', async (route) => {
      const answer = await route.fetch()
      read.resolve(undefined)
      await arrive.promise
      await route.fulfill({ response: answer })
    })

    await button(page, 'Refresh').click()
    await read.promise
    await app.runner.tick()
    await row(page, 'slow').getByText('Completed', { exact: true }).waitFor()
    const arrived = page.waitForResponse('**/graphql')
    arrive.resolve(undefined)
    await (await arrived).finished()
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
    expect(await row(page, 'slow').getByText('Completed', { exact: true }).count()).toBe(1)
    // The list may be read once more.
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })
})
