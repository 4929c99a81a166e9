import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, countBytes, dialog, isLive, row, seriousFindings } from '../support/console-page.ts'
import { mutate } from '../support/snapshots.ts'

describeInBrowser('the console in a browser, its quality', ({ open }) => {
  test('search, filters, order and page are in the address', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.heldSnapshots(disk, 45)
    await using tab = await open(app, '/snapshots?q=held&size=20')
    const { page } = tab
    const names = () => page.locator('tbody .link-button').allInnerTexts()
    const held = (from: number, to: number) =>
      Array.from({ length: Math.abs(from - to) + 1 }, (_, i) => `held-${from > to ? from - i : from + i}`)

    await page.getByText('1–20 of 45').waitFor()
    expect(await names()).toEqual(held(44, 25))
    await button(page, 'Next page').click()
    await page.getByText('21–40 of 45').waitFor()
    expect(await names()).toEqual(held(24, 5))
    await page.reload()
    await page.getByText('21–40 of 45').waitFor()
    await button(page, 'Last page').click()
    await page.getByText('41–45 of 45').waitFor()
    expect(await names()).toEqual(held(4, 0))
    await button(page, 'Previous page').click()
    await page.getByText('21–40 of 45').waitFor()
    await page.getByRole('columnheader', { name: 'Created' }).click()
    await page.getByText('1–20 of 45').waitFor()
    expect(await names()).toEqual(held(0, 19))
    await page.goBack()
    await page.getByText('21–40 of 45').waitFor()

    await page.getByRole('searchbox').fill('held-44')
    await page.getByText('1–1 of 1').waitFor()
    await page.getByRole('searchbox').fill('nothing')
    await page.getByText('Nothing matches the search and filters.').waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('nothing')
    await button(page, 'Clear filters').click()
    await page.getByText('1–20 of 45').waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
  })

  test('what is empty, unknown or wrong is said, with what to quote', async () => {
    await using app = await startTestApp()
    await using tab = await open(app, '/disks')
    const { page } = tab
    await page.getByText('There are no disks yet.').waitFor()
    await page.goto(`${app.url}/disks/v-nowhere123`)
    await page.getByText('There is no disk v-nowhere123.').waitFor()
    await page.goto(`${app.url}/snapshots`)
    await page.getByText('There are no snapshots yet.').waitFor()

    await page.goto(`${app.url}/snapshots?page=2&after=nonsense`)
    const alert = page.getByRole('alert')
    await alert.getByText('BAD_USER_INPUT').waitFor()
    expect(await alert.getByRole('button', { name: /Copy [0-9a-f-]{36}/ }).count()).toBe(1)
  })

  test.each(['light', 'dark'] as const)(
    'the frame of the page is there before any script, %s as the browser',
    async (colorScheme) => {
      await using app = await startTestApp()
      await app.disk({ name: 'data-1' })
      await using tab = await open(app, '/healthz', [/404/], { colorScheme })
      const { page } = tab
      const { promise: scripts, resolve: letScripts } = Promise.withResolvers<undefined>()
      await page.route('**/*.js', async (route) => {
        await scripts
        await route.continue()
      })
      await page.goto(`${app.url}/disks`, { waitUntil: 'commit' })
      const bar = page.locator('.waiting .bar')
      await bar.getByText('Snapgate').waitFor()
      await expect
        .poll(() => bar.evaluate((one) => getComputedStyle(one).backgroundColor))
        .toBe(colorScheme === 'dark' ? 'rgb(24, 28, 34)' : 'rgb(255, 255, 255)')
      letScripts(undefined)
      await row(page, 'data-1').waitFor()
      expect(await bar.count()).toBe(0)
    },
  )

  test('language and theme are remembered', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks')
    const { page } = tab

    await button(page, '中文').click()
    await button(page, '深色主题').click()
    await page.reload()
    await row(page, 'data-1').getByText('待挂载').waitFor()
    expect(
      await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset['theme']]),
    ).toEqual(['zh-CN', 'dark'])
    await page.getByText('实时', { exact: true }).waitFor()
    await row(page, 'data-1').getByRole('button', { name: '创建快照' }).click()
    await page.getByRole('dialog', { name: '创建快照' }).getByLabel('快照名称').waitFor()
  })

  test('axe-core finds nothing serious on any page or dialog, light or dark', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    const full = await app.disk({ name: 'system', kind: 'SYSTEM', status: 'ERROR' })
    await app.heldSnapshots(disk, 3)
    await app.heldSnapshots(full, 2, 'AUTOMATIC')
    await app.heldSnapshots(await app.disk({ name: 'free' }), 1)
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'now' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    await isLive(page)

    const heading = (text: string) => page.getByRole('heading', { level: 1, name: text })
    const dialogOf = (name: string) => page.getByRole('dialog', { name })
    const [held, free] = ['s-helddata1MANUAL0000', 's-heldfreeMANUAL0000']
    const places = [
      { path: '/disks', shows: heading('Disk List') },
      { path: `/disks/${disk.id}`, shows: heading('data-1') },
      { path: '/snapshots', shows: heading('Snapshot List') },
      { path: '/disks/v-nowhere123', shows: heading('Not found') },
      { path: `/disks?create=${full.id}`, shows: dialog(page).getByLabel('Snapshot name') },
      {
        path: `/disks?create=${disk.id},${full.id}`,
        shows: dialog(page).getByLabel(/Snapshot name: system/),
      },
      { path: '/snapshots?create=new', shows: dialog(page).getByLabel('Disk ID') },
      { path: '/snapshots?show=query', shows: page.getByRole('dialog').getByText('Variables') },
      { path: `/snapshots?show=${held}`, shows: page.getByRole('dialog').getByText('History') },
      { path: `/snapshots?edit=${held}`, shows: dialogOf('Edit Snapshot').getByText('Add a tag') },
      { path: `/snapshots?delete=${held}`, shows: dialogOf('Delete Snapshot').getByText('Permanently') },
      { path: `/snapshots?delete=${held},${free}`, shows: dialogOf('Delete 2 Snapshots').getByRole('table') },
      { path: `/snapshots?roll-back=${free}`, shows: dialogOf('Roll Back Disk').getByText('is lost') },
      { path: `/snapshots?create-disk=${held}`, shows: dialogOf('Create Disk').getByLabel('Size') },
    ]
    const check = async (rules?: string[]) => {
      for (const { path, shows } of places) {
        await page.evaluate((to) => history.pushState(null, '', to), path)
        await shows.waitFor()
        expect([path, await seriousFindings(page, rules)]).toEqual([path, []])
      }
      await page.evaluate(() => history.pushState(null, '', '/snapshots'))
      await button(page, 'More: held-0').first().press('Enter')
      await page.getByRole('menuitem', { name: 'Delete' }).waitFor()
      expect(await seriousFindings(page, rules)).toEqual([])
      await page.keyboard.press('Escape')
    }
    await check()
    await page.evaluate(() => history.pushState(null, '', '/disks'))
    await button(page, 'Dark theme').click()
    // Nothing but the colours is another.
    await check(['color-contrast'])
  })

  test('the query behind a page runs in GraphiQL', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks?q=data')
    const { page, context } = tab
    await button(page, 'API query of this page').click()
    const arriving = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Open in GraphiQL' }).click()
    const graphiql = await arriving
    await graphiql.getByRole('tab', { selected: true }).getByText('Disks', { exact: true }).waitFor()
    await graphiql.getByRole('button', { name: /Execute query/ }).click()
    await graphiql.locator('.result-window').getByText('"name": "data-1"').waitFor()
  })

  test('the first visit transfers at most 350 KB, what is loaded when idle the rest, and the next one 10 KB', async () => {
    await using app = await startTestApp({ DEMO: 'true' })
    await using tab = await open(app, '/healthz', [/404/])
    const { page, context, requests } = tab
    // The browser is idle when the test says.
    await context.addInitScript(() => {
      const waiting: IdleRequestCallback[] = []
      globalThis.requestIdleCallback = (callback) => waiting.push(callback)
      Object.assign(globalThis, { waiting })
    })
    const transferred = await countBytes(page)
    const measure = async (visit: () => Promise<unknown>): Promise<number> => {
      const before = transferred()
      await visit()
      await page.waitForLoadState('networkidle')
      return transferred() - before
    }
    const openList = async () => {
      await page.goto(`${app.url}/disks`)
      await row(page, 'orders-db').waitFor()
      await isLive(page)
    }
    const pages = () => requests.filter((url) => /\/assets\/(disk-details|snapshot-list|sign-in)-/.test(url))
    const beIdle = async () => {
      const run = () =>
        page.evaluate(() => {
          const { waiting } = globalThis as unknown as { waiting: (() => void)[] }
          return waiting.splice(0).map((callback) => callback()).length
        })
      await expect.poll(run).toBe(1)
      await expect.poll(() => pages().length).toBe(3)
    }

    const first = await measure(openList)
    expect(pages()).toEqual([])
    const idle = await measure(beIdle)
    const second = await measure(openList)
    console.log(
      `first visit ${Math.round(first / 1000)} KB, when idle ${Math.round(idle / 1000)} KB, ` +
        `second visit ${(second / 1000).toFixed(1)} KB`,
    )
    expect(first).toBeGreaterThan(100_000)
    expect(first).toBeLessThanOrEqual(350_000)
    expect(second).toBeLessThanOrEqual(10_000)
  })
})
