import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, isLive, row, seriousFindings, signIn } from '../support/console-page.ts'
import { completed, mutate } from '../support/snapshots.ts'

const notices = (page: Page) => page.getByRole('region', { name: 'Notices' })

/** Has the page count the notifications of the browser, whose permission is given when it is asked for. */
async function watchNotifications(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const shown: string[] = []
    const Shown = Object.assign(
      function (title: string) {
        shown.push(title)
      },
      {
        permission: sessionStorage.getItem('permission') ?? 'default',
        requestPermission() {
          sessionStorage.setItem('permission', 'granted')
          return Promise.resolve((Shown.permission = 'granted'))
        },
      },
    )
    Object.assign(globalThis, { Notification: Shown, shown })
  })
  await page.reload()
  return () => page.evaluate(() => (globalThis as unknown as { shown: string[] }).shown)
}

/** Has the page believe that it is hidden, or in view. */
async function become(page: Page, state: DocumentVisibilityState): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: now })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

describeInBrowser('the notices of the console', ({ open }) => {
  test('the end of what this user started is told on every page, with a link; what others did is not', async () => {
    await using app = await startTestApp()
    const [me, other] = [await app.token('ADMIN'), await app.token('ADMIN')]
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/tokens', [/401/, /WebSocket/])
    const { page } = tab
    await signIn(page, me.token)
    await isLive(page)
    await other.snapshot(disk, { name: 'of-another' })
    await app.runner.tick()
    const id = await me.snapshot(disk, { name: 'mine' })
    await app.runner.tick()

    const created = notices(page).getByRole('status')
    await created.getByText('Snapshot mine created').waitFor()
    expect(await notices(page).getByText('of-another').count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await created.getByRole('link', { name: 'View' }).press('Enter')
    await page.getByRole('dialog').getByText('History').waitFor()
    expect(new URL(page.url()).searchParams.get('show')).toBe(id)
    await page.keyboard.press('Escape')
    await created.getByRole('button', { name: 'Dismiss' }).press('Enter')
    await notices(page).waitFor({ state: 'detached' })

    await writeFile(join(app.config.snapshotsDir, id, 'image'), 'damaged')
    await mutate(me, 'rollBackDisk', { diskId: disk.id, snapshotId: id })
    await app.runner.tick()
    const failed = notices(page).getByRole('alert')
    await failed.getByText('Rolling back disk data-1 failed').waitFor()
    await failed.getByText('The stored copy is corrupt').waitFor()
    await page.getByRole('navigation').locator('a[href="/disks"]').press('Enter')
    await row(page, 'data-1').waitFor()
    expect(await failed.count()).toBe(1)
    await button(page, 'Sign out').click()
    await page.getByLabel('Token').waitFor()
    expect(await notices(page).count()).toBe(0)
  })

  test('a success goes by itself, but not while nobody sees it; many are counted', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/overview')
    const { page } = tab
    await isLive(page)
    await become(page, 'hidden')
    for (let count = 1; count <= 6; count++) {
      await completed(app, disk, { name: `s-${count}` })
    }
    await notices(page).getByText('2 more in Activity').waitFor()
    expect(await notices(page).getByRole('status').count()).toBe(4)
    expect(await seriousFindings(page)).toEqual([])
    await button(page, 'Dark theme').click()
    expect(await seriousFindings(page, ['color-contrast'])).toEqual([])
    await page.clock.install()
    await page.clock.fastForward(60_000)
    expect(await notices(page).getByRole('status').count()).toBe(4)
    await become(page, 'visible')
    await page.clock.fastForward(10_000)
    await notices(page).getByText('s-1').waitFor()
    await page.clock.fastForward(10_000)
    await notices(page).waitFor({ state: 'detached' })
  })

  test('the browser notifies only once it was asked to, in one tab, and only while none is in view', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    const shown = await watchNotifications(page)
    await isLive(page)
    await become(page, 'hidden')
    await completed(app, disk, { name: 'unwanted' })
    await notices(page).getByText('Snapshot unwanted created').waitFor()

    await become(page, 'visible')
    const bell = page.getByRole('switch', { name: 'Browser notifications' })
    expect(await bell.getAttribute('aria-checked')).toBe('false')
    await bell.press('Enter')
    await expect.poll(() => bell.getAttribute('aria-checked')).toBe('true')
    const second = await tab.openTab(`${app.url}/disks`)
    const shownInSecond = await watchNotifications(second)
    await second.evaluate(() => Notification.requestPermission())
    await isLive(second)
    await become(page, 'hidden')
    await completed(app, disk, { name: 'in-view' })
    await notices(page).getByText('Snapshot in-view created').waitFor()
    // Longer than what ends together is gathered.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1_000)))

    await become(second, 'hidden')
    await completed(app, disk, { name: 'unseen' })
    await notices(second).getByText('Snapshot unseen created').waitFor()
    await expect
      .poll(async () => [...(await shown()), ...(await shownInSecond())])
      .toEqual(['Snapshot unseen created'])
    await page.close()
    await completed(app, disk, { name: 'after' })
    // Either tab may have shown the one before.
    const later = async () => (await shownInSecond()).filter((title) => title !== 'Snapshot unseen created')
    await expect.poll(later).toEqual(['Snapshot after created'])
  })
})
