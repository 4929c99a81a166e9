import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp, writeImage } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { postGraphql } from '../support/clients.ts'
import { dialog, isLive, openConsole, row } from '../support/console-page.ts'
import { startGateway } from '../support/process.ts'

describeInBrowser('the console in a browser, at length', ({ browser }) => {
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
    await using tab = await openConsole(browser(), `${killed.url}/snapshots`)
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
    // The killed process holds the lease until it expires.
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

  test('with 10,000 snapshots a page asks once and draws only its rows, fetches its scripts at once, and stays live', async () => {
    await using app = await startTestApp()
    const disks = await Promise.all(
      Array.from({ length: 40 }, (_, i) => app.disk({ name: `disk-${i}`, dataMiB: 0 })),
    )
    for (const disk of disks) await app.heldSnapshots(disk, 250)
    const free = await app.disk({ name: 'free' })

    for (const [path, shows] of Object.entries({
      '/snapshots': '1–20 of 10,000',
      '/disks': '1–20 of 41',
      [`/disks/${disks[0]?.id ?? ''}`]: '1–20 of 250',
    })) {
      await using tab = await openConsole(browser(), app.url + path)
      await tab.page.getByText(shows).waitFor()
      expect(await tab.page.locator('tbody tr.ant-table-row').count()).toBe(20)
      const scripts = await tab.page.evaluate(() =>
        (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
          .map(({ name, encodedBodySize }) => ({ path: new URL(name).pathname, bytes: encodedBodySize }))
          .filter((script) => script.path.endsWith('.js')),
      )
      const html = await (await fetch(app.url + path)).text()
      const bytes = (isLinked: boolean) =>
        scripts
          .filter((script) => html.includes(script.path) === isLinked)
          .reduce((sum, script) => sum + script.bytes, 0)
      const [linked, later] = [bytes(true), bytes(false)]
      console.log(`${path}: ${linked} bytes of script with the document, ${later} bytes after it`)
      expect(linked).toBeGreaterThan(200_000)
      // Some of it may be other pages, which are fetched when the browser is idle.
      expect(later).toBeLessThan(100_000)
    }

    await using tab = await openConsole(browser(), `${app.url}/snapshots?size=100`)
    const { page } = tab
    await page.getByText('1–100 of 10,000').waitFor()
    await isLive(page)
    let asked = 0
    page.on('request', (request) => (asked += request.postData()?.includes('query Snapshots') ? 1 : 0))
    for (const shows of ['101–200 of 10,000', '201–300 of 10,000', '301–400 of 10,000']) {
      await page.getByRole('button', { name: 'Next page' }).click()
      await page.getByText(shows).waitFor()
    }
    expect(asked).toBe(3)
    expect(await page.locator('tbody tr.ant-table-row').count()).toBe(100)
    await page.getByRole('button', { name: 'Last page' }).click()
    await page.getByText('9,901–10,000 of 10,000').waitFor()
    await page.getByRole('button', { name: 'First page' }).click()
    await app.snapshot(free, { name: 'new' })
    await row(page, 'new').getByText('Creating', { exact: true }).waitFor()
    await app.runner.tick()
    await row(page, 'new').getByText('Completed', { exact: true }).waitFor()
  })
})
