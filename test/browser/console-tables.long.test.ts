import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, dialog, row, seriousFindings } from '../support/console-page.ts'

const HOUR_MS = 3_600_000

describeInBrowser('the tables of the console', ({ open }) => {
  const timeIn = (page: Page, name: string) => row(page, name).locator('time')

  test('times are absolute or relative, local or UTC, on every page, and the choice is remembered', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const createdAt = new Date(Date.now() - 3 * HOUR_MS - 60_000)
    await app.db.disk.update({ where: { id: disk.id }, data: { createdAt } })
    await using tab = await open(app, '/disks', [], { timezoneId: 'Asia/Shanghai' })
    const { page } = tab
    const clock = (zone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: zone }).format(createdAt)
    const local = timeIn(page, 'data-1')
    await local.waitFor()
    expect(await local.innerText()).toContain(clock('Asia/Shanghai'))
    expect(await local.getAttribute('title')).toBe('3 hours ago')

    await button(page, 'Preferences').press('Enter')
    const preferences = dialog(page, 'Preferences')
    await preferences.getByRole('radio', { name: 'Local (Asia/Shanghai)', checked: true }).waitFor()
    await preferences.getByRole('radio', { name: 'UTC' }).press('Space')
    expect(await local.innerText()).toContain(`${clock('UTC')} UTC`)
    await preferences.getByRole('radio', { name: 'Relative' }).press('Space')
    expect(await local.innerText()).toBe('3 hours ago')
    expect(await local.getAttribute('title')).toContain(`${clock('UTC')} UTC`)
    expect(await seriousFindings(page)).toEqual([])
    await button(preferences, 'Close').last().press('Enter')
    await preferences.waitFor({ state: 'hidden' })
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Preferences')

    await page.goto(`${app.url}/disks/${disk.id}`)
    const details = page.locator('.overview time')
    await details.waitFor()
    expect(await details.innerText()).toBe('3 hours ago')
    expect(await details.getAttribute('title')).toContain('UTC')
    await button(page, '中文').click()
    await page.getByText('3小时前').first().waitFor()
  })

  test('a relative time goes on while it is looked at', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/healthz', [/404/])
    const { page } = tab
    await page.evaluate(() => localStorage.setItem('snapgate:time-form', 'relative'))
    await page.clock.install()
    const { createdAt } = await app.db.disk.findUniqueOrThrow({ where: { id: disk.id } })
    await page.clock.setFixedTime(new Date(createdAt.getTime() + 50_000))
    await page.goto(`${app.url}/disks`)
    await timeIn(page, 'data-1').getByText('now').waitFor()
    await page.clock.setSystemTime(new Date(createdAt.getTime() + 70_000))
    await page.clock.runFor(20_000)
    await timeIn(page, 'data-1').getByText('1 minute ago').waitFor()
  })

  test('a filter by day begins and ends where the preferred zone counts the day', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'late' })
    // The 2nd in Shanghai, still the 1st in UTC.
    await app.db.disk.update({ where: { id: disk.id }, data: { createdAt: new Date('2026-05-01T20:00Z') } })
    await using tab = await open(app, '/disks?created=2026-05-02..2026-05-02', [], {
      timezoneId: 'Asia/Shanghai',
    })
    const { page } = tab
    await row(page, 'late').waitFor()
    await button(page, 'Preferences').press('Enter')
    await dialog(page, 'Preferences').getByRole('radio', { name: 'UTC' }).press('Space')
    await page.getByText('Nothing matches the search and filters.').waitFor()
    await page.goto(`${app.url}/disks?created=2026-05-01..2026-05-01`)
    await row(page, 'late').waitFor()
  })
})
