import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApp, writeImage } from '../support/app.ts'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { postGraphql } from '../support/clients.ts'
import { dialog, isLive, openConsole, row } from '../support/console-page.ts'
import { startGateway } from '../support/process.ts'

const FIRST_VIEW_MS = 2_000

const why = NO_BROWSER ? ' (skipped: no browser; install chromium or set CHROMIUM_PATH)' : ''

describe.skipIf(NO_BROWSER)(`the console in a browser, at length${why}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  test('when the gateway is killed in the middle and started again, the page recovers and shows the final state', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
    await mkdir(join(dataDir, 'disks'))
    const path = join(dataDir, 'disks', 'd.img')
    await writeImage(path, 512, 512)
    const settings = { DATA_DIR: dataDir, DEMO: 'false' }
    const killed = await startGateway(settings)
    const { data } = await postGraphql(
      killed.endpoint,
      `mutation ($path: String!) {
        registerDisk(input: { path: $path, name: "big", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
      }`,
      { path },
    )
    const diskId = data.registerDisk.disk.id as string
    await using tab = await openConsole(browser, `${killed.url}/snapshots`)
    const { page } = tab
    await isLive(page)
    await page.evaluate((id) => history.pushState(null, '', `/disks/${id}?create=${id}`), diskId)
    await dialog(page).getByLabel('Snapshot name').fill('survivor')
    await dialog(page).getByRole('button', { name: 'Confirm' }).click()
    await row(page, 'survivor')
      .getByText(/Creating \d+ %/)
      .waitFor()

    await killed.stop('SIGKILL')
    await page.getByText('Reconnecting').waitFor()
    await row(page, 'survivor')
      .getByText(/Creating/)
      .waitFor()
    await using next = await startGateway({ ...settings, PORT: new URL(killed.url).port })
    await isLive(page)
    // Whoever was killed holds the work until its lease has run out.
    await row(page, 'survivor').getByText('Completed', { exact: true }).waitFor({ timeout: 60_000 })
    const log = page.getByRole('region', { name: 'Event log' })
    await expect
      .poll(() => log.getByRole('listitem').allInnerTexts())
      .toEqual([
        expect.stringContaining('Creating → Completed'),
        expect.stringMatching(/^survivor Creating\n/),
        // It was registered.
        expect.stringMatching(/^Disk Unmounted\n/),
      ])
    expect(await next.stop('SIGTERM')).toBe(0)
    await rm(dataDir, { recursive: true })
  })

  test(`with 10,000 snapshots the first view takes less than ${FIRST_VIEW_MS} ms, and paging and live changes keep up`, async () => {
    await using app = await startTestApp()
    const disks = await Promise.all(
      Array.from({ length: 40 }, (_, i) => app.disk({ name: `disk-${i}`, dataMiB: 0 })),
    )
    for (const disk of disks) await app.heldSnapshots(disk, 250)
    const free = await app.disk({ name: 'free' })
    await using tab = await openConsole(browser, `${app.url}/healthz`)
    const { page } = tab

    const views: Record<string, number> = {}
    for (const [path, shows] of Object.entries({
      '/snapshots': '1–20 of 10,000',
      '/disks': '1–20 of 41',
      [`/disks/${disks[0]?.id ?? ''}`]: '1–20 of 250',
    })) {
      const begun = performance.now()
      await page.goto(app.url + path)
      await page.getByText(shows).waitFor()
      views[path] = Math.round(performance.now() - begun)
    }

    await page.goto(`${app.url}/snapshots?size=100`)
    await page.getByText('1–100 of 10,000').waitFor()
    await isLive(page)
    const turns: number[] = []
    for (const shows of ['101–200 of 10,000', '201–300 of 10,000', '301–400 of 10,000']) {
      const begun = performance.now()
      await page.getByRole('button', { name: 'Next page' }).click()
      await page.getByText(shows).waitFor()
      turns.push(Math.round(performance.now() - begun))
    }
    await page.getByRole('button', { name: 'Last page' }).click()
    await page.getByText('9,901–10,000 of 10,000').waitFor()
    await page.getByRole('button', { name: 'First page' }).click()

    // How long the page keeps the browser from drawing while one scrolls through it.
    const longest = await page.evaluate(async () => {
      let worst = 0
      let last = performance.now()
      for (let frame = 0; frame < 120; frame++) {
        scrollBy(0, 60)
        await new Promise(requestAnimationFrame)
        worst = Math.max(worst, performance.now() - last)
        last = performance.now()
      }
      return Math.round(worst)
    })
    await app.graphql(
      'mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "new" }) { __typename } }',
      { id: free.id },
    )
    await row(page, 'new').getByText('Creating', { exact: true }).waitFor()
    await app.runner.tick()
    await row(page, 'new').getByText('Completed', { exact: true }).waitFor()

    console.log(
      `first views ${JSON.stringify(views)} ms; pages ${turns.join(', ')} ms; longest frame ${longest} ms`,
    )
    for (const ms of Object.values(views)) expect(ms).toBeLessThan(FIRST_VIEW_MS)
    expect(turns.toSorted((a, b) => a - b)[1]).toBeLessThan(FIRST_VIEW_MS)
    expect(longest).toBeLessThan(500)
  })
})
