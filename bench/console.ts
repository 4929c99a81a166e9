import type { Browser, Page } from 'playwright-core'
import { startTestApp } from '../test/support/app.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { isLive, openConsole } from '../test/support/console-page.ts'

/**
 * The console with 10,000 snapshots: how long a newcomer waits for the first rows of each page, with the network of this
 * machine and with one of 50 ms and 10 Mbit/s; how long turning a page takes, and how long scrolling blocks a frame.
 */

const VISITS = 5
const TARGET_FIRST_VIEW_MS = 2_000
const TARGET_FRAME_MS = 500
const SLOW = { offline: false, latency: 50, downloadThroughput: 1.25e6, uploadThroughput: 1.25e6 }

export async function benchConsole(): Promise<void> {
  await using app = await startTestApp()
  const disks = await Promise.all(
    Array.from({ length: 40 }, (_, i) => app.disk({ name: `disk-${i}`, dataMiB: 0 })),
  )
  for (const disk of disks) await app.heldSnapshots(disk, 250)
  const browser = await launchBrowser()
  const views = {
    '/disks': '1–20 of 40',
    '/snapshots': '1–20 of 10,000',
    [`/disks/${disks[0]?.id ?? ''}`]: '1–20 of 250',
  }
  for (const locale of ['en-GB', 'zh-CN']) {
    for (const [path, shows] of Object.entries(views)) {
      for (const network of ['local', 'slow']) {
        const shown = locale === 'zh-CN' ? shows.replace(/(.+) of (.+)/, '第 $1 条，共 $2 条') : shows
        const times: number[] = []
        for (let visit = 0; visit < VISITS; visit++) {
          times.push(await firstView(browser, app.url, path, shown, { locale, isSlow: network === 'slow' }))
        }
        const [best = 0] = times.toSorted((a, b) => a - b)
        const verdict = network === 'slow' ? '' : `, target ${TARGET_FIRST_VIEW_MS}`
        console.log(`${locale} ${path} (${network}): best ${best} of ${times.join(', ')} ms${verdict}`)
      }
    }
  }
  await using tab = await openConsole(browser, `${app.url}/snapshots?size=100`)
  await tab.page.getByText('1–100 of 10,000').waitFor()
  await isLive(tab.page)
  console.log(`turning a page of 100: ${(await turnPages(tab.page)).join(', ')} ms`)
  console.log(`longest frame while scrolling: ${await longestFrame(tab.page)} ms, target ${TARGET_FRAME_MS}`)
  await browser.close()
}

async function firstView(
  browser: Browser,
  url: string,
  path: string,
  shows: string,
  { locale, isSlow }: { locale: string; isSlow: boolean },
): Promise<number> {
  await using tab = await openConsole(browser, 'about:blank', { locale })
  const { page, context } = tab
  if (isSlow) {
    const network = await context.newCDPSession(page)
    await network.send('Network.emulateNetworkConditions', SLOW)
  }
  const begun = performance.now()
  await page.goto(url + path)
  await page.getByText(shows).waitFor()
  return Math.round(performance.now() - begun)
}

async function turnPages(page: Page): Promise<number[]> {
  const turns: number[] = []
  for (const shows of ['101–200 of 10,000', '201–300 of 10,000', '301–400 of 10,000']) {
    const begun = performance.now()
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByText(shows).waitFor()
    turns.push(Math.round(performance.now() - begun))
  }
  return turns
}

/** How long the page keeps the browser from drawing while one scrolls through it. */
function longestFrame(page: Page): Promise<number> {
  return page.evaluate(async () => {
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
}
