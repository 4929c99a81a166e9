import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, dialog, isLive, row } from '../support/console-page.ts'

describeInBrowser('the console in a browser', ({ open }) => {
  const confirm = (page: Page) => dialog(page).getByRole('button', { name: 'Confirm' }).click()

  async function name(page: Page, text: string): Promise<void> {
    await dialog(page).getByLabel('Snapshot name').fill(text)
  }

  test('from each of the three pages a snapshot is created, and another tab sees it go from Creating to Completed', async () => {
    await using app = await startTestApp()
    for (const name of ['data-1', 'data-2', 'data-3']) await app.disk({ name })
    await using tab = await open(app, '/disks')
    const { page, openTab } = tab
    const second = await openTab(`${app.url}/snapshots`)
    await isLive(second)
    await second.evaluate(() => Object.assign(globalThis, { sameDocument: true }))

    // What is behind is drawn rarely, and clicks wait for that.
    await page.bringToFront()
    const ways: Record<string, () => Promise<void>> = {
      async 'Disk List'() {
        await row(page, 'data-1').getByRole('button', { name: 'Create Snapshot' }).click()
      },
      async 'Disk Details'() {
        await page.getByRole('link', { name: 'data-2' }).click()
        await page.getByRole('heading', { level: 1, name: 'data-2' }).waitFor()
        await button(page).click()
      },
      async 'Snapshot List'() {
        await page.getByRole('link', { name: 'Snapshot', exact: true }).click()
        await page.getByRole('heading', { level: 1, name: 'Snapshot List' }).waitFor()
        await button(page).click()
        await dialog(page).getByText('Data disk snapshot').click()
        await dialog(page).getByLabel('Disk ID').fill('data-3')
        await page.getByRole('option', { name: /data-3/ }).waitFor({ state: 'attached' })
        await page.keyboard.press('Enter')
      },
    }
    for (const [way, begin] of Object.entries(ways)) {
      const given = `from ${way}`
      await begin()
      await name(page, given)
      await confirm(page)
      await row(second, given).getByText('Creating', { exact: true }).waitFor()

      const { id } = await app.db.snapshot.findFirstOrThrow({ where: { name: given } })
      app.progress.report(id, { copiedBytes: 45, totalBytes: 100 })
      await row(second, given).getByText('Creating 45 %').waitFor()
      const bar = row(second, given).getByRole('progressbar')
      expect(await bar.getAttribute('aria-valuenow')).toBe('45')
      await app.runner.tick()
      await row(second, given).getByText('Completed', { exact: true }).waitFor()
      await second.getByText(`Snapshot ${given} created`).waitFor({ state: 'attached' })
    }
    expect(await second.evaluate(() => 'sameDocument' in globalThis)).toBe(true)
    expect(await app.db.snapshot.count()).toBe(3)
  })

  test('what cannot be done is shown with the reason, and comes back when it can', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', status: 'SCALING' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    const action = row(page, 'data-1').getByRole('button', { name: 'Create Snapshot' })

    await expect.poll(() => action.getAttribute('aria-disabled')).toBe('true')
    await action.focus()
    await page
      .getByRole('tooltip')
      .getByText(
        'The disk is “Resizing”. A snapshot of a data disk requires the status “In Use” or “Unmounted”.',
      )
      .waitFor()
    await action.click({ force: true })
    expect(await dialog(page).count()).toBe(0)

    await app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })
    await button(page, 'Refresh').press('Enter')
    await expect.poll(() => action.getAttribute('aria-disabled')).toBe('false')
  })

  test('a double click makes one snapshot', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, `/disks?create=${disk.id}`)
    const { page } = tab
    const sent: { clientToken: string }[] = []
    page.on('request', (request) => {
      const body = (request.postDataJSON() ?? {}) as { variables?: { input?: { clientToken: string } } }
      if (body.variables?.input) sent.push(body.variables.input)
    })

    await name(page, 'once')
    await dialog(page).getByRole('button', { name: 'Confirm' }).dblclick()
    await page.getByText('Snapshot once is being created.').waitFor()
    expect(sent.map(({ clientToken }) => clientToken)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(await app.db.snapshot.count()).toBe(1)
  })

  test('an answer that is lost is asked for again with the same token, and makes no second snapshot', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, `/disks?create=${disk.id}`, [/ERR_FAILED/])
    const { page } = tab
    let lost = 0
    await page.route('**/graphql', async (route) => {
      if (lost > 0 || !route.request().postData()?.includes('mutation CreateSnapshot'))
        return route.continue()
      lost++
      await route.fetch()
      return route.abort()
    })

    await name(page, 'once')
    await confirm(page)
    await dialog(page).getByText('The gateway cannot be reached.').waitFor()
    // The disk is in progress by now, and says so: but what was asked for is still the same wish.
    await dialog(page).getByLabel('Snapshot name').press('Enter')
    await page.getByText('Snapshot once is being created.').waitFor()
    expect([lost, await app.db.snapshot.count()]).toEqual([1, 1])
  })

  test('a batch shows the result for each disk', async () => {
    await using app = await startTestApp()
    for (const status of ['UNMOUNTED', 'EXPIRED', 'IN_USE'] as const) {
      await app.disk({ name: `disk-${status}`, status })
    }
    await using tab = await open(app, '/disks')
    const { page } = tab
    expect(await button(page).first().getAttribute('aria-disabled')).toBe('true')

    await page.getByLabel('Select all on this page').check()
    await page.getByText('3 selected').waitFor()
    await button(page).first().click()
    await confirm(page)
    await dialog(page).getByText('2 created, 1 refused').waitFor()
    await dialog(page)
      .getByRole('row')
      .filter({ hasText: 'disk-EXPIRED' })
      .getByText('The disk is “Expired”.')
      .waitFor()
    expect(await app.db.snapshot.count()).toBe(2)
  })

  test('a refused name is said under the field, the dialog stays, and the keyboard suffices', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    const opener = row(page, 'data-1').getByRole('button', { name: 'Create Snapshot' })

    await opener.press('Enter')
    const field = dialog(page).getByLabel('Snapshot name')
    await expect.poll(() => field.evaluate((input) => input === document.activeElement)).toBe(true)
    await page.keyboard.type('1st')
    await page.keyboard.press('Enter')
    await dialog(page).getByRole('alert').getByText('It must start with a letter, A–Z or a–z.').waitFor()
    expect(await field.getAttribute('aria-invalid')).toBe('true')

    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'hidden' })
    await expect.poll(() => opener.evaluate((element) => element === document.activeElement)).toBe(true)
    expect(new URL(page.url()).search).toBe('')
  })
})
