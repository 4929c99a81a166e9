import { open as openFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import {
  button,
  holdAnswer,
  isLive,
  recordStatuses,
  recordTexts,
  row,
  signIn,
} from '../support/console-page.ts'
import { completed, mutate } from '../support/snapshots.ts'

async function write(path: string, bytes: string): Promise<void> {
  await using file = await openFile(path, 'r+')
  await file.write(bytes, 5_000)
}

describeInBrowser('changes in the console', ({ open }) => {
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })
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

  test('a snapshot is deleted by keyboard once its name was confirmed, and goes from every page as it happens', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'old' })
    await using tab = await open(app, '/snapshots')
    const { page, openTab } = tab
    const second = await openTab(`${app.url}/disks/${disk.id}`)
    await isLive(second)
    await second.getByText('1 / 256').waitFor()
    await page.bringToFront()
    const asked = countChanges(page, 'DeleteSnapshots')

    await menuOf(page, 'old')
    const item = page.getByRole('menuitem', { name: 'Delete', exact: true })
    await expect
      .poll(async () => (await hasFocus(item)) || (await page.keyboard.press('ArrowDown')))
      .toBe(true)
    await page.keyboard.press('Enter')
    await dialog(page, 'Delete Snapshot').getByText('Permanently delete snapshot old?').waitFor()
    await page.keyboard.press('Escape')
    await dialog(page, 'Delete Snapshot').waitFor({ state: 'hidden' })
    await expect.poll(() => hasFocus(more(page, 'old'))).toBe(true)
    expect(asked()).toBe(0)

    await choose(page, 'old', 'Delete')
    await button(dialog(page, 'Delete Snapshot'), 'Delete').dblclick()
    for (const one of [page, second]) await row(one, 'old').getByText('Deleting', { exact: true }).waitFor()
    expect(asked()).toBe(1)
    await app.runner.tick()
    for (const one of [page, second]) {
      await row(one, id).waitFor({ state: 'detached' })
      await one.getByText('Snapshot old deleted').waitFor({ state: 'attached' })
    }
    await second.getByText('0 / 256').first().waitFor()
    // The button that opened the dialog went with the row.
    await expect.poll(() => hasFocus(page.getByRole('heading', { level: 1 }))).toBe(true)
    expect(await app.db.snapshot.count()).toBe(0)
  })

  test('a batch shows for each snapshot whether it can be deleted, and its result', async () => {
    await using app = await startTestApp()
    const [first, second] = [await app.disk({ name: 'data-1' }), await app.disk({ name: 'data-2' })]
    await completed(app, first, { name: 'january' })
    await completed(app, first, { name: 'february' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)
    const way = button(page, 'Delete').first()
    expect(await way.getAttribute('aria-disabled')).toBe('true')
    await mutate(app, 'createSnapshot', { diskId: second.id, name: 'under-way' })
    await row(page, 'under-way').getByText('Creating', { exact: true }).waitFor()

    const refusal =
      'The snapshot is “Creating”. Deleting it requires the status “Completed” or “Failed” or “Unavailable”.'
    const item = (await menuOf(page, 'under-way')).getByRole('menuitem', { name: refusal })
    expect(await item.getAttribute('aria-disabled')).toBe('true')
    await item.press('Enter')
    expect(await page.getByRole('dialog').count()).toBe(0)

    await page.keyboard.press('Escape')
    await page.getByLabel('Select all on this page').check()
    await page.getByText('3 selected').waitFor()
    await way.click()
    const confirmation = dialog(page, 'Delete 3 Snapshots')
    await row(page, refusal).waitFor()
    expect(await button(confirmation, 'Delete').isDisabled()).toBe(true)
    await confirmation.getByLabel('To confirm, type “confirm”.').fill('confirm')
    await button(confirmation, 'Delete').click()
    await confirmation.getByText('2 accepted, 1 refused').waitFor()
    expect(await confirmation.getByRole('row').filter({ hasText: 'under-way' }).innerText()).toContain(
      refusal,
    )
    await app.runner.tick()
    for (const name of ['january', 'february']) {
      await confirmation.getByRole('row', { name }).getByText('Deleted', { exact: true }).waitFor()
    }
    await button(confirmation, 'Close').last().click()
    await row(page, 'under-way').getByText('Completed', { exact: true }).waitFor()
    expect((await app.db.snapshot.findMany()).map(({ name }) => name)).toEqual(['under-way'])
  })

  test('a snapshot with deletion protection cannot be deleted, and says why, until that is turned off', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk({ name: 'data-1' }), { name: 'kept' })
    await using tab = await open(app, `/snapshots?edit=${id}`)
    const { page } = tab
    await isLive(page)
    const edit = dialog(page, 'Edit Snapshot')
    const protection = edit.getByRole('checkbox', { name: /Deletion protection/ })
    await protection.press('Space')
    await button(edit, 'Confirm').press('Enter')
    await page.getByText('Snapshot kept was changed.').waitFor()
    expect((await app.db.snapshot.findFirstOrThrow()).deletionProtection).toBe(true)
    const refusal = 'The snapshot has deletion protection. Turn it off under Edit first.'
    const item = (await menuOf(page, 'kept')).getByRole('menuitem', { name: refusal })
    expect(await item.getAttribute('aria-disabled')).toBe('true')
    await page.keyboard.press('Escape')
    await page.goto(`${app.url}/snapshots?show=${id}`)
    await page.getByRole('dialog').getByRole('row', { name: 'Deletion protection On' }).waitFor()
    await page.goto(`${app.url}/snapshots?edit=${id}`)
    await protection.press('Space')
    await button(edit, 'Confirm').press('Enter')
    await page.getByText('Snapshot kept was changed.').waitFor()
    await choose(page, 'kept', 'Delete')
    await button(dialog(page, 'Delete Snapshot'), 'Delete').press('Enter')
    await page.getByText('Snapshot kept is being deleted.').waitFor()
  })

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

  test('a disk is rolled back once disk and snapshot were confirmed; while it is in use the reason is said', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await completed(app, disk, { name: 'before' })
    const before = await readFile(disk.path)
    await write(disk.path, 'written since')
    await mutate(app, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' })
    await app.runner.tick()
    await using tab = await open(app, '/snapshots')
    const { page, openTab } = tab
    const second = await openTab(`${app.url}/disks`)
    await isLive(second)
    await row(second, 'data-1').getByText('In Use', { exact: true }).waitFor()
    await page.bringToFront()
    const action = button(row(page, 'before'), 'Roll Back')

    await action.focus()
    await page
      .getByRole('tooltip')
      .getByText('The disk is “In Use”. Rolling it back requires the status “Unmounted” for a data disk.')
      .waitFor()
    await action.click({ force: true })
    expect(await page.getByRole('dialog').count()).toBe(0)
    await mutate(app, 'detachDisk', { diskId: disk.id })
    await row(second, 'data-1').getByText('Detaching', { exact: true }).waitFor()
    await app.runner.tick()
    await row(second, 'data-1').getByText('Unmounted', { exact: true }).waitFor()
    await expect.poll(() => action.getAttribute('aria-disabled')).toBe('false')

    await action.press('Enter')
    const confirmation = dialog(page, 'Roll Back Disk')
    await confirmation.getByText('Roll back disk data-1 to snapshot before?').waitFor()
    await confirmation.getByText(/Everything written to the disk since .+ is lost/).waitFor()
    await button(confirmation, 'Create a snapshot first').press('Enter')
    await dialog(page, 'Create Snapshot').getByLabel('Snapshot name').waitFor()
    await page.goBack()
    const asked = countChanges(page, 'RollBackDisk')
    await button(confirmation, 'Roll Back').dblclick()
    await row(second, 'data-1').getByText('Rolling back', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'View the disk' }).click()
    const header = page.locator('.page-header')
    await header.getByText('Rolling back', { exact: true }).waitFor()
    await app.runner.tick()
    for (const place of [header, row(second, 'data-1')])
      await place.getByText('Unmounted', { exact: true }).waitFor()
    await page.getByText('Disk data-1: Rolling back').waitFor({ state: 'attached' })
    await page.getByRole('region', { name: 'Event log' }).getByText('Rolling back → Unmounted').waitFor()
    expect(asked()).toBe(1)
    expect((await readFile(disk.path)).equals(before)).toBe(true)
  })

  test('a failed rollback is shown with its reason; a response that arrives after its end does not undo it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'before' })
    await write(join(app.config.snapshotsDir, id, 'image'), 'damaged')
    await using tab = await open(app, `/disks/${disk.id}?roll-back=${id}`)
    const { page } = tab
    await isLive(page)
    const change = await holdAnswer(page, 'RollBackDisk')
    const header = page.locator('.page-header')
    const statuses = await recordStatuses(page, disk.id)
    await button(dialog(page, 'Roll Back Disk'), 'Roll Back').click()
    await change.answered
    await header.getByText('Rolling back', { exact: true }).waitFor()
    const read = await holdAnswer(page, 'DiskDetails')
    await app.runner.tick()
    await header.getByText('Unmounted', { exact: true }).waitFor()
    const { reason } = await app.db.diskTransition.findFirstOrThrow({ where: { from: 'ROLLING_BACK' } })
    await page.getByRole('alert').getByText('Rolling back disk data-1 failed').waitFor()
    await page
      .getByRole('alert')
      .getByText(reason ?? '')
      .waitFor()
    await row(page, 'before').getByText('Unavailable', { exact: true }).waitFor()
    await read.answered
    await change.arrive()
    await page.getByText('Disk data-1 is being rolled back to before.').waitFor()
    await read.arrive()
    await mutate(app, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' })
    await header.getByText('Attaching', { exact: true }).waitFor()
    expect(await statuses()).toEqual(['Unmounted', 'Rolling back', 'Unmounted', 'Attaching'])
  })

  test.each(['disks', 'details'])(
    'a read of the %s that was answered before a transition and arrives after it does not undo it',
    async (place) => {
      await using app = await startTestApp()
      const disk = await app.disk({ name: 'data-1' })
      await using tab = await open(app, place === 'disks' ? '/disks' : `/disks/${disk.id}`)
      const { page } = tab
      await isLive(page)
      const shown = (status: string) =>
        page
          .locator('tr, .page-header')
          .filter({ hasText: disk.id })
          .getByText(status, { exact: true })
          .waitFor()
      await shown('Unmounted')
      const read = await holdAnswer(page, place === 'disks' ? 'Disks' : 'DiskDetails')
      const statuses = await recordStatuses(page, disk.id)

      await button(page, 'Refresh').click()
      await read.answered
      await mutate(app, 'attachDisk', { diskId: disk.id, instanceId: 'i-1' })
      await shown('Attaching')
      await app.runner.tick()
      await shown('In Use')
      await read.arrive()
      await mutate(app, 'detachDisk', { diskId: disk.id })
      await shown('Detaching')
      expect(await statuses()).toEqual(['Unmounted', 'Attaching', 'In Use', 'Detaching'])
    },
  )

  test('reads that overtake each other, and a read that is older than an edit, do not bring back what was', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'old' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)
    await row(page, 'old').waitFor()
    const names = await recordTexts(page, id, '.link-button')
    const first = await holdAnswer(page, 'Snapshots')
    await button(page, 'Refresh').click()
    await first.answered
    await mutate(app, 'updateSnapshot', { snapshotId: id, name: 'renamed' })
    await button(page, 'Refresh').click()
    await row(page, 'renamed').waitFor()
    await first.arrive()

    const second = await holdAnswer(page, 'Snapshots')
    await button(page, 'Refresh').click()
    await second.answered
    await choose(page, 'renamed', 'Edit')
    await dialog(page, 'Edit Snapshot').getByLabel('Snapshot name').fill('edited')
    await button(dialog(page, 'Edit Snapshot'), 'Confirm').click()
    await row(page, 'edited').waitFor()
    await second.arrive()
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'next' })
    await row(page, 'next').waitFor()
    expect(await names()).toEqual(['old', 'renamed', 'edited'])
  })

  test('a list that is first read while a snapshot is created is read again, and shows it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    await isLive(page)
    const read = await holdAnswer(page, 'Snapshots')
    await page.getByRole('navigation').getByRole('link', { name: 'Snapshot' }).click()
    await read.answered
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'new' })
    await page.getByText('Snapshot new: Creating').waitFor({ state: 'attached' })
    // Longer than transitions are gathered before a list is read again.
    await page.waitForTimeout(1_000)
    await read.arrive()
    await row(page, 'new').waitFor()
  })

  test('the answer to each change that comes behind the end of what it began does not undo it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, `/disks/${disk.id}?create=${disk.id}`)
    const { page } = tab
    await isLive(page)

    const creation = await holdAnswer(page, 'CreateSnapshot')
    const created = await recordStatuses(page, 'More: first')
    await dialog(page, 'Create Snapshot').getByLabel('Snapshot name').fill('first')
    await button(dialog(page, 'Create Snapshot'), 'Confirm').click()
    await creation.answered
    await row(page, 'first')
      .getByText(/^Creating/)
      .waitFor()
    await app.runner.tick()
    await row(page, 'first').getByText('Completed', { exact: true }).waitFor()
    await creation.arrive()
    await page.getByText('Snapshot first is being created.').waitFor()
    expect((await created()).filter((status) => status !== 'gone')).toEqual(['Creating', 'Completed'])

    const deletion = await holdAnswer(page, 'DeleteSnapshots')
    const deleted = await recordStatuses(page, 'More: first')
    await choose(page, 'first', 'Delete')
    await button(dialog(page, 'Delete Snapshot'), 'Delete').click()
    await deletion.answered
    await row(page, 'first').getByText('Deleting', { exact: true }).waitFor()
    await app.runner.tick()
    await page.getByText('There are no snapshots yet.').waitFor()
    await deletion.arrive()
    await page.getByText('Snapshot first is being deleted.').waitFor()
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'second' })
    await row(page, 'second').getByText('Creating', { exact: true }).waitFor()
    expect(await deleted()).toEqual(['Completed', 'Deleting', 'gone'])
  })

  test('a disk is created from a snapshot, which cannot be deleted meanwhile; a refused size is said under the field', async () => {
    await using app = await startTestApp()
    const system = await app.disk({ name: 'root', kind: 'SYSTEM' })
    await completed(app, system, { name: 'of-root' })
    await completed(app, await app.disk({ name: 'data-1' }), { name: 'golden' })
    await using tab = await open(app, '/snapshots', [/ERR_FAILED/])
    const { page, openTab } = tab
    const second = await openTab(`${app.url}/disks`)
    await isLive(second)
    await page.bringToFront()

    const refused = (await menuOf(page, 'of-root')).getByRole('menuitem', {
      name: 'This is a snapshot of a system disk. A disk can be created only from a snapshot of a data disk.',
    })
    expect(await refused.getAttribute('aria-disabled')).toBe('true')
    await page.keyboard.press('Escape')
    await choose(page, 'golden', 'Create Disk')
    const create = dialog(page, 'Create Disk from Snapshot')
    expect(await create.getByLabel('Disk name').inputValue()).toBe('golden-disk')
    expect(await create.getByLabel('Storage type').inputValue()).toBe('local')
    await create.getByLabel('Size (GiB)').fill('4')
    await page.keyboard.press('Enter')
    await create.getByRole('alert').getByText('The size must be from 5 to 32,765 GiB.').waitFor()
    expect(await app.db.disk.count()).toBe(2)

    // An answer that is lost is asked for again, and makes no second disk.
    let lost = 0
    await page.route('**/graphql', async (route) => {
      if (lost > 0 || !route.request().postData()?.includes('mutation CreateDisk')) return route.continue()
      lost++
      await route.fetch()
      return route.abort()
    })
    await create.getByLabel('Size (GiB)').fill('')
    await button(create, 'Confirm').click()
    await create.getByText('The gateway cannot be reached.').waitFor()
    await button(create, 'Confirm').dblclick()
    await page.getByText('Disk golden-disk is being created.').waitFor()
    await row(second, 'golden-disk').getByText('Creating', { exact: true }).waitFor()
    const reading = (await menuOf(page, 'golden')).getByRole('menuitem', {
      name: /The snapshot is in use/,
    })
    await reading.waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'View the disk' }).click()
    await page.getByRole('heading', { level: 1, name: 'golden-disk' }).waitFor()
    const header = page.locator('.page-header')
    await header.getByText('Creating', { exact: true }).waitFor()
    await app.runner.tick()
    for (const place of [header, row(second, 'golden-disk')])
      await place.getByText('Unmounted', { exact: true }).waitFor()
    expect(await app.db.disk.count()).toBe(3)
  })

  /** Confirms in the open dialog that the operation is to be cancelled. */
  async function confirmCancellation(page: Page, question: string): Promise<void> {
    const confirmation = dialog(page, 'Cancel operation')
    await confirmation.getByText(question).waitFor()
    await button(confirmation, 'Cancel operation').click()
    await confirmation.waitFor({ state: 'hidden' })
  }

  test('a snapshot that is being created is cancelled from its row once that was confirmed, and fails', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'slow' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)
    const other = await tab.openTab(page.url())
    await isLive(other)
    const asked = countChanges(page, 'CancelOperation')

    await choose(page, 'slow', 'Cancel')
    await button(dialog(page, 'Cancel operation'), 'Keep it running').click()
    await dialog(page, 'Cancel operation').waitFor({ state: 'hidden' })
    await expect.poll(() => hasFocus(more(page, 'slow'))).toBe(true)
    expect(asked()).toBe(0)
    await choose(page, 'slow', 'Cancel')
    await confirmCancellation(page, 'Cancel the creation of snapshot slow?')
    await page.getByText('The operation on slow is being cancelled.').waitFor()
    for (const one of [page, other]) await row(one, 'slow').getByText('Cancelling', { exact: true }).waitFor()
    const again = (await menuOf(page, 'slow')).getByRole('menuitem', {
      name: 'The operation is already being cancelled.',
    })
    expect(await again.getAttribute('aria-disabled')).toBe('true')
    await page.keyboard.press('Escape')
    expect(asked()).toBe(1)

    await app.runner.tick()
    await row(page, 'slow').getByText('Failed', { exact: true }).waitFor()
    await row(page, 'slow').getByText('Cancelled on request.').waitFor()
    await row(other, 'slow').getByText('Failed', { exact: true }).waitFor()
    for (const one of [page, other]) expect(await row(one, 'slow').getByText('Cancelling').count()).toBe(0)
    const menu = await menuOf(page, 'slow')
    expect(await menu.getByRole('menuitem', { name: 'Cancel', exact: true }).count()).toBe(0)
  })

  test('a rollback is cancelled in the header of the disk, a deletion in the drawer, by those whose role allows it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'before' })
    const deleted = await completed(app, disk, { name: 'deleted' })
    await write(disk.path, 'written since')
    const before = await readFile(disk.path)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId: id })
    await mutate(app, 'deleteSnapshot', { snapshotId: deleted })
    const [admin, operator] = [await app.token('ADMIN'), await app.token('OPERATOR')]
    await using tab = await open(app, `/disks/${disk.id}`, [/401/, /WebSocket/])
    const { page } = tab
    const header = page.locator('.page-header')

    await signIn(page, operator.token)
    await header.getByText('Rolling back', { exact: true }).waitFor()
    await expect.poll(() => button(header, 'Cancel').getAttribute('aria-disabled')).toBe('true')
    await button(header, 'Cancel').focus()
    await page
      .getByRole('tooltip')
      .getByText('Requires the Administrator role. You are signed in as Operator.')
      .waitFor()
    await button(page, 'deleted').click()
    const drawer = page.getByRole('dialog', { name: 'deleted' })
    await button(drawer, 'Cancel').click()
    await confirmCancellation(page, 'Cancel the deletion of snapshot deleted?')
    await drawer.getByText('Cancelling', { exact: true }).waitFor()

    await button(drawer, 'Close').click()
    await drawer.waitFor({ state: 'hidden' })
    await button(page, 'Sign out').click()
    await signIn(page, admin.token)
    await button(header, 'Cancel').click()
    await confirmCancellation(page, 'Cancel the rollback of disk data-1?')
    await header.getByText('Cancelling', { exact: true }).waitFor()
    await app.runner.tick()
    await header.getByText('Unmounted', { exact: true }).waitFor()
    await row(page, 'deleted').getByText('Completed', { exact: true }).waitFor()
    expect(await page.getByText('Cancelling', { exact: true }).count()).toBe(0)
    expect((await readFile(disk.path)).equals(before)).toBe(true)
  })

  test('a dialog lies above the drawer that the same address opens', async () => {
    await using app = await startTestApp()
    await mutate(app, 'createSnapshot', { diskId: (await app.disk({ name: 'data-1' })).id, name: 'slow' })
    const { id } = await app.db.snapshot.findFirstOrThrow()
    await using tab = await open(app, `/snapshots?show=${id}&cancel=${id}`)
    const { page } = tab
    await page.getByRole('dialog', { name: 'slow' }).getByText('History').waitFor()
    await confirmCancellation(page, 'Cancel the creation of snapshot slow?')
    await page.getByRole('dialog', { name: 'slow' }).getByText('Cancelling', { exact: true }).waitFor()
  })

  test('after a cancellation by keyboard in the drawer, the first Escape closes the drawer', async () => {
    await using app = await startTestApp()
    await mutate(app, 'createSnapshot', { diskId: (await app.disk({ name: 'data-1' })).id, name: 'slow' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await button(page, 'slow').press('Enter')
    const drawer = page.getByRole('dialog', { name: 'slow' })
    await button(drawer, 'Cancel').press('Enter')
    await button(dialog(page, 'Cancel operation'), 'Cancel operation').press('Enter')
    await dialog(page, 'Cancel operation').waitFor({ state: 'hidden' })
    await drawer.getByText('Cancelling', { exact: true }).waitFor()
    await expect.poll(() => hasFocus(button(drawer, 'Cancel'))).toBe(true)
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    await expect.poll(() => hasFocus(button(page, 'slow'))).toBe(true)
  })

  test('a disk that was released is no longer selected', async () => {
    await using app = await startTestApp()
    const released = await app.disk({ name: 'data-1' })
    await app.disk({ name: 'data-2' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    for (const name of ['data-1', 'data-2']) await row(page, name).getByRole('checkbox').check()
    await page.getByText('2 selected').waitFor()
    await isLive(page)
    await mutate(app, 'releaseDisk', { diskId: released.id })
    await app.runner.tick()
    await page.getByText('1 selected').waitFor()
    await button(page.locator('.page-header')).click()
    await dialog(page, 'Create Snapshot').getByText('data-2').first().waitFor()
    expect(await dialog(page, 'Create Snapshot').getByText('data-1').count()).toBe(0)
  })

  test('an operation that ends before its cancellation is answered does not look as if it were being cancelled', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'slow' })
    const { id } = await app.db.snapshot.findFirstOrThrow()
    await using tab = await open(app, `/snapshots?cancel=${id}`)
    const { page } = tab
    await isLive(page)
    const answer = await holdAnswer(page, 'CancelOperation')
    await button(dialog(page, 'Cancel operation'), 'Cancel operation').click()
    await answer.answered
    await app.runner.tick()
    await row(page, 'slow').getByText('Failed', { exact: true }).waitFor()
    await answer.arrive()
    await page.getByText('The operation on slow is being cancelled.').waitFor()
    expect(await page.getByText('Cancelling', { exact: true }).count()).toBe(0)

    // Nor does one that has ended long since, in a dialog that is opened by its address.
    await page.evaluate((to) => history.pushState(null, '', to), `/snapshots?cancel=${id}`)
    const late = dialog(page, 'Cancel operation')
    await late.getByText('No operation is in progress; it may have completed.').waitFor()
    expect(await button(late, 'Cancel operation').isDisabled()).toBe(true)
  })
})
