import { open as openFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { isLive, openStrictly, row } from '../support/console-page.ts'
import { completed, mutate } from '../support/snapshots.ts'

const why = NO_BROWSER ? ' (skipped: no browser; install chromium or set CHROMIUM_PATH)' : ''

async function write(path: string, bytes: string): Promise<void> {
  await using file = await openFile(path, 'r+')
  await file.write(bytes, 5_000)
}

// Longer than others: on a busy machine the browser has to wait too.
describe.skipIf(NO_BROWSER)(`changes in the console${why}`, { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  const open = (app: TestApp, path: string, expected?: RegExp[]) =>
    openStrictly(browser, app.url + path, expected)
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })
  const button = (place: Page | Locator, name: string) => place.getByRole('button', { name, exact: true })
  const more = (page: Page, of: string) => button(row(page, of), `More: ${of}`)

  /** Opens the menu of a row. */
  async function menuOf(page: Page, of: string): Promise<Locator> {
    await more(page, of).press('Enter')
    const menu = page.getByRole('menu').filter({ visible: true })
    await menu.waitFor()
    return menu
  }

  /** Chooses from the menu of a row. */
  async function choose(page: Page, of: string, label: string): Promise<void> {
    await (await menuOf(page, of)).getByRole('menuitem', { name: label, exact: true }).click()
  }

  /** How often the page asks for a change from now on. */
  function countChanges(page: Page, name: string): () => number {
    let count = 0
    page.on('request', (request) => (count += request.postData()?.includes(`mutation ${name}`) ? 1 : 0))
    return () => count
  }

  const hasFocus = (element: Locator) => element.evaluate((one) => one === document.activeElement)

  test('a snapshot is renamed, described, tagged and kept for some days; a refused name is said under the field', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk({ name: 'data-1' }), {
      name: 'old',
      description: 'As it was',
    })
    await using tab = await open(app, '/snapshots')
    const { page } = tab

    await choose(page, 'old', 'Edit')
    const edit = dialog(page, 'Edit Snapshot')
    const name = edit.getByLabel('Snapshot name')
    await expect.poll(() => hasFocus(name)).toBe(true)
    await page.keyboard.type('1st')
    await page.keyboard.press('Enter')
    await edit.getByRole('alert').getByText('It must start with a letter, A–Z or a–z.').waitFor()
    expect(await name.getAttribute('aria-invalid')).toBe('true')

    await name.fill('first')
    await edit.getByLabel('Keep for (days)').fill('30')
    await button(edit, 'Add a tag').click()
    await edit.getByLabel('Key of tag 1').fill('team')
    await edit.getByLabel('Value of tag 1').fill('data')
    await button(edit, 'Confirm').click()
    await page.getByText('Snapshot first was changed.').waitFor()
    await row(page, 'first').getByText(id).waitFor()
    await expect.poll(() => hasFocus(more(page, 'first'))).toBe(true)
    expect(await app.db.snapshot.findFirst({ include: { tags: true } })).toMatchObject({
      name: 'first',
      description: 'As it was',
      retentionDays: 30,
      tags: [{ key: 'team', value: 'data' }],
    })

    await choose(page, 'first', 'Edit')
    await button(edit, 'Remove tag team').click()
    await edit.getByLabel('Keep for (days)').fill('')
    await button(edit, 'Confirm').click()
    await edit.waitFor({ state: 'hidden' })
    expect(await app.db.snapshot.findFirst({ include: { tags: true } })).toMatchObject({
      name: 'first',
      retentionDays: null,
      expiresAt: null,
      tags: [],
    })
  })
})
