import { readFile } from 'node:fs/promises'
import type { Page, Route } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'
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

  test('the columns and the density of a table are chosen by keyboard, remembered, and reset', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks')
    const { page, openTab } = tab
    await row(page, 'data-1').waitFor()
    const headings = (at: Page) => at.getByRole('columnheader').allInnerTexts()
    const height = async () => (await row(page, 'data-1').boundingBox())?.height ?? 0
    const [usual, usualHeight] = [await headings(page), await height()]
    expect(usual).toContain('Storage type')

    await button(page, 'Table preferences').press('Enter')
    const preferences = dialog(page, 'Table preferences')
    await preferences.getByRole('checkbox', { name: 'Storage type', checked: true }).press('Space')
    await preferences.getByRole('radio', { name: 'Comfortable' }).press('Space')
    expect(await preferences.getByRole('checkbox', { name: 'Name / ID' }).count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('Escape')
    await preferences.waitFor({ state: 'hidden' })
    expect(await headings(page)).toEqual(usual.filter((heading) => heading !== 'Storage type'))
    expect(await height()).toBeGreaterThan(usualHeight)

    const other = await openTab(`${app.url}/disks`)
    await row(other, 'data-1').waitFor()
    expect(await headings(other)).not.toContain('Storage type')
    await other.goto(`${app.url}/policies`)
    await other.getByText('There are no policies yet.').waitFor()
    expect(await headings(other)).toContain('Next run')

    await button(page, 'Table preferences').press('Enter')
    await button(preferences, 'Restore defaults').press('Enter')
    await preferences.getByRole('checkbox', { name: 'Storage type', checked: true }).waitFor()
    await page.keyboard.press('Escape')
    expect([await headings(page), await height()]).toEqual([usual, usualHeight])
  })

  test('a column for which there is no room is shown when it is chosen', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks', [], { viewport: { width: 800, height: 800 } })
    const { page } = tab
    await row(page, 'data-1').waitFor()
    expect(await page.getByRole('columnheader', { name: 'Created' }).count()).toBe(0)
    await button(page, 'Table preferences').press('Enter')
    await dialog(page, 'Table preferences').getByRole('checkbox', { name: 'Created' }).press('Space')
    await page.getByRole('columnheader', { name: 'Created' }).waitFor()
  })

  test.each([
    ['en-GB', 'Select all on this page', 'More', 'Delete', 'Sort by'],
    ['zh-CN', '选择本页全部', '更多', '删除', '排序方式'],
  ])(
    'on phones every list is cards that fit the window, are selected and have their menu (%s)',
    async (locale, all, more, remove, order) => {
      await using app = await startTestApp()
      const disk = await app.disk({ name: 'data-1' })
      await app.heldSnapshots(disk, 3)
      const policyId = await policyOf(app, { ...EVERY_NIGHT, name: 'nightly' }, disk)
      await app.db.autoSnapshotRun.create({
        data: {
          id: 'asr-aaaaaaaa',
          accountId: disk.accountId,
          policyId,
          slot: '2026-11-27T02',
          scheduledFor: new Date('2026-11-27T02:00:00Z'),
          decidedAt: new Date('2026-11-27T02:00:01Z'),
          outcome: 'RUN',
          disks: {
            create: [{ id: 'asd-aaaaaaaa', accountId: disk.accountId, diskId: disk.id, outcome: 'CREATED' }],
          },
        },
      })
      await using tab = await open(app, '/snapshots', [], { locale, viewport: { width: 390, height: 844 } })
      const { page } = tab
      const cards = page.locator('.row-card')
      await cards.nth(2).waitFor()
      expect(await page.getByRole('table').count()).toBe(0)
      await page.getByRole('checkbox', { name: all }).press('Space')
      expect(await page.getByRole('checkbox', { checked: true }).count()).toBe(4)
      await cards.nth(1).getByRole('checkbox').press('Space')
      await page.locator('.selected').filter({ hasText: '2' }).waitFor()
      await cards.nth(1).getByRole('button', { name: more }).press('Enter')
      await page.getByRole('menuitem', { name: remove }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('combobox', { name: order }).press('Enter')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await expect.poll(() => new URL(page.url()).searchParams.get('sort')).not.toBeNull()
      expect(await seriousFindings(page)).toEqual([])
      for (const path of ['/disks', '/policies', '/activity', '/tokens', `/disks/${disk.id}`]) {
        await page.goto(app.url + path)
        if (path !== '/tokens' && path !== '/activity') await cards.first().waitFor()
        expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([path, 390])
        expect([path, await page.locator('.list').count()]).toEqual([path, 0])
        expect(await seriousFindings(page)).toEqual([])
      }
      await page.goto(`${app.url}/policies/${policyId}`)
      const runs = page.locator('section[aria-labelledby="runs"]')
      const run = runs.locator('.row-card')
      await run.getByRole('button', { expanded: false }).press('Enter')
      await run.getByRole('link', { name: 'data-1' }).waitFor()
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
      expect(await runs.getByRole('table').count()).toBe(0)
      expect(await seriousFindings(page)).toEqual([])
    },
  )

  /** Presses the button and reads the file that the browser saves. */
  async function exported(page: Page, name = 'Export as CSV'): Promise<{ file: string; text: string }> {
    const ready = button(page, name).and(page.locator(':enabled'))
    const [download] = await Promise.all([page.waitForEvent('download'), ready.press('Enter')])
    return { file: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
  }

  test('what is filtered is exported as a CSV file that Excel reads and that computes nothing', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.db.disk.update({
      where: { id: disk.id },
      data: { description: '=HYPERLINK("http://a.example","b")' },
    })
    for (let i = 0; i < 240; i++) await app.disk({ name: `disk-${i}`, dataMiB: 0 })
    await app.disk({ name: 'root', kind: 'SYSTEM' })
    await using tab = await open(app, '/disks?kind=DATA&sort=-name&size=10')
    const { page } = tab
    await row(page, 'disk-99').waitFor()
    await page.clock.setFixedTime('2026-11-27T12:00:00Z')
    const { file, text } = await exported(page)
    expect(file).toBe('snapgate-disks-2026-11-27.csv')
    expect(text.startsWith('\uFEFFID,Name,Description,Status,Reason,')).toBe(true)
    const lines = text.trimEnd().split('\r\n')
    expect(lines).toHaveLength(242)
    expect(lines[1]).toContain('disk-99')
    const line = lines.find((one) => one.startsWith(disk.id))
    expect(line).toContain(`"'=HYPERLINK(""http://a.example"",""b"")"`)
    expect(line).toContain(disk.createdAt.toISOString())
    await dialog(page, 'Export as CSV').getByText('241 rows were saved as').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('every list is exported, in the language of the console', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.heldSnapshots(disk, 2)
    const other = await app.disk({ name: 'data-2' })
    await app.heldSnapshots(other, 1)
    const policyId = await policyOf(app, { ...EVERY_NIGHT, name: 'nightly' }, disk)
    await using tab = await open(app, '/disks', [], { locale: 'zh-CN' })
    const { page } = tab
    for (const [path, list, rows, heading] of [
      ['/disks', 'disks', 2, '名称'],
      [`/disks/${disk.id}`, 'disk-snapshots', 2, '来源'],
      ['/snapshots', 'snapshots', 3, '来源'],
      ['/policies', 'policies', 1, '时区'],
      [`/policies/${policyId}`, 'policy-disks', 1, '名称'],
      ['/tokens', 'tokens', 0, '角色'],
      ['/activity', 'activity', undefined, '来源 IP'],
      ['/connections', 'connections', 0, '地域'],
    ] as const) {
      await page.goto(app.url + path)
      const { file, text } = await exported(page, '导出 CSV')
      expect(file).toMatch(new RegExp(`^snapgate-${list}-\\d{4}-\\d\\d-\\d\\d\\.csv$`))
      const [headings = '', ...lines] = text.trimEnd().split('\r\n')
      expect(headings).toContain(heading)
      if (rows !== undefined) expect([path, lines.length]).toEqual([path, rows])
    }
  })

  test('an export waits while the budget is used up, goes on after a failure, and can be cancelled', async () => {
    await using app = await startTestApp()
    for (let i = 0; i < 150; i++) await app.disk({ name: `disk-${i}`, dataMiB: 0 })
    await using tab = await open(app, '/disks', [/429/, /50\d/])
    const { page } = tab
    await row(page, 'disk-0').waitFor()
    const refusal = (code: string, extensions = {}) => ({
      status: code === 'RATE_LIMITED' ? 429 : 500,
      contentType: 'application/graphql-response+json',
      body: JSON.stringify({ errors: [{ message: code, extensions: { code, ...extensions } }] }),
    })
    const answers: (() => Parameters<Route['fulfill']>[0] | undefined)[] = [
      () => undefined,
      () => refusal('RATE_LIMITED', { resetAt: new Date(Date.now() + 2_000).toISOString() }),
      () => refusal('INTERNAL_SERVER_ERROR', { requestId: 'r-1' }),
    ]
    await page.route('**/graphql', (route) => {
      if (!route.request().postData()?.includes('query ExportDisks')) return route.fallback()
      const answer = answers.shift()?.()
      return answer ? route.fulfill(answer) : route.fallback()
    })
    await button(page, 'Export as CSV').press('Enter')
    const exporting = dialog(page, 'Export as CSV')
    await exporting.getByText('The request budget of the account is used up.').waitFor()
    await exporting.getByText('100 of 150 rows read').waitFor()
    await exporting.getByText('r-1').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      button(exporting, 'Try again').press('Enter'),
    ])
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n')
    expect(new Set(lines).size).toBe(151)
    await button(exporting, 'Close').last().press('Enter')

    answers.push(() => refusal('RATE_LIMITED', { resetAt: new Date(Date.now() + 3_600_000).toISOString() }))
    await button(page, 'Export as CSV').press('Enter')
    await exporting.getByText('The request budget of the account is used up.').waitFor()
    await button(exporting, 'Cancel').press('Enter')
    await exporting.waitFor({ state: 'hidden' })
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Export as CSV',
    )
  })

  test('snapshots are filtered by their origin and provider, in the address too', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.heldSnapshots(disk, 2)
    await app.db.snapshot.updateMany({ where: { name: 'held-0' }, data: { name: 'own' } })
    await app.db.snapshot.updateMany({
      where: { name: 'held-1' },
      data: { name: 'outside', origin: 'OUTSIDE' },
    })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await row(page, 'own').waitFor()
    await button(page, 'Add filter').press('Enter')
    const form = page.getByRole('form', { name: 'Add filter' })
    await form.getByRole('combobox', { name: 'Filter by' }).press('Enter')
    await page.getByTitle('Origin').click()
    await form.getByRole('checkbox', { name: 'Outside of the gateway' }).press('Space')
    await button(form, 'Apply').press('Enter')
    await page.getByText('Origin: Outside of the gateway').waitFor()
    await row(page, 'own').waitFor({ state: 'detached' })
    await row(page, 'outside').waitFor()
    expect(new URL(page.url()).searchParams.get('origin')).toBe('OUTSIDE')
    await page.goto(`${app.url}/snapshots?origin=GATEWAY,UNKNOWN&provider=LOCAL,BAIDU`)
    await page.getByText("Provider: The gateway's machine, Baidu AI Cloud").waitFor()
    await row(page, 'own').waitFor()
    expect(await row(page, 'outside').count()).toBe(0)
    await page.getByRole('button', { name: 'Remove filter: Origin' }).press('Enter')
    await row(page, 'outside').waitFor()
    await page.goto(`${app.url}/disks?provider=CINDER`)
    await page.getByText('Nothing matches the search and filters.').waitFor()
  })

  test('a row says why a disk is in error, and how full its quota is', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.db.disk.update({
      where: { id: disk.id },
      data: { status: 'ERROR', statusReason: 'The image file is missing.' },
    })
    await using tab = await open(app, '/disks')
    const { page } = tab
    await row(page, 'data-1').getByText('The image file is missing.').waitFor()
    expect(await page.locator('[class^=quota-]').count()).toBe(0)
    await app.heldSnapshots(disk, 231)
    await app.heldSnapshots(await app.disk({ name: 'data-2' }), 256)
    await page.reload()
    await row(page, 'data-1').locator('.quota-nearly-full').getByText('231').waitFor()
    await row(page, 'data-2').locator('.quota-full').getByText('256').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })
})
