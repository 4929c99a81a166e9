/** Takes the pictures of the README: the console on the demo world, in docs/images. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { startTestApp } from '../test/support/app.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { dialog, isLive, openConsole, row } from '../test/support/console-page.ts'

const DIRECTORY = fileURLToPath(new URL('../docs/images/', import.meta.url))

const SIZE = { width: 1320, height: 720 }
/** Shows the rows below the facts of a disk too. */
const TALL = { ...SIZE, height: 940 }

await using app = await startTestApp({ DEMO: 'true' })
const browser = await launchBrowser()
const { page } = await openConsole(browser, `${app.url}/disks`, { viewport: SIZE })
mkdirSync(DIRECTORY, { recursive: true })

/** Two copies in progress, as far as the pictures need them. */
for (const [diskId, name, percent] of [
  ['v-ordersdb', 'before-migration', 45],
  ['v-mediaarchive', 'autumn-collection', 82],
] as const) {
  await app.graphql(
    `mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }`,
    { input: { diskId, name } },
  )
  const { id } = await app.db.snapshot.findFirstOrThrow({ where: { name } })
  app.progress.report(id, { copiedBytes: percent, totalBytes: 100 })
}

await row(page, 'web-1-root').waitFor()
await take('disk-list', page)
await page.setViewportSize(TALL)
await show(`/disks/v-ordersdb`, page)
await row(page, 'before-migration').getByText('Creating 45 %').waitFor()
await take('disk-details', page)
await page.setViewportSize(SIZE)
await show('/snapshots', page)
await row(page, 'before-migration').getByText('Creating 45 %').waitFor()
await take('snapshot-list', page)
await page.getByRole('button', { name: 'Dark theme' }).click()
await show('/disks?create=v-web1root', page)
await dialog(page).getByLabel('Snapshot name').fill('before-upgrade')
await page.mouse.move(0, 0)
await take('create-snapshot', page)
await browser.close()

async function show(path: string, page: Page): Promise<void> {
  await page.evaluate((to) => history.pushState(null, '', to), path)
  await isLive(page)
}

/** As WebP, which is less than half of what Chromium makes of it as PNG. */
async function take(name: string, page: Page): Promise<void> {
  await isLive(page)
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  const debug = await page.context().newCDPSession(page)
  const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality: 85 })
  await debug.detach()
  const picture = Buffer.from(data, 'base64')
  writeFileSync(`${DIRECTORY}${name}.webp`, picture)
  console.log(`${name}.webp ${Math.round(picture.length / 1000)} KB`)
}
