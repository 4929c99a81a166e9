import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, isLive, row, seriousFindings } from '../support/console-page.ts'
import { completed } from '../support/snapshots.ts'

describeInBrowser('every verb of disks and snapshots in the console', ({ open }) => {
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })
  const said = (page: Page, text: string) => page.getByRole('alert').getByText(text).waitFor()

  /** Opens a menu by keyboard; its items. */
  async function menuOf(page: Page, place: Page | Locator, of: string): Promise<Locator> {
    await button(place, `More: ${of}`).press('Enter')
    const menu = page.getByRole('menu').filter({ visible: true })
    await menu.waitFor()
    return menu
  }

  async function choose(page: Page, place: Page | Locator, of: string, label: string): Promise<void> {
    const menu = await menuOf(page, place, of)
    await menu.getByRole('menuitem', { name: label, exact: true }).press('Enter')
  }

  test('an image is registered, with what is wrong with its path said under the field', async () => {
    await using app = await startTestApp()
    const path = join(app.dataDir, 'disks', 'image.img')
    await writeFile(path, '')
    await truncate(path, 8 * 1024 ** 2)
    await using tab = await open(app, '/disks')
    const { page } = tab
    await button(page, 'Register Disk').press('Enter')
    const form = dialog(page, 'Register Disk')
    await form.getByLabel('Disk name').fill('data-1')
    await form.getByLabel('Path of the image').fill('image.img')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('Enter an absolute path, such as /srv/disks/vm.img.').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await form.getByLabel('Path of the image').fill(path)
    await form.getByText('Storage, zone and attachment').press('Enter')
    await form.getByLabel('Zone').fill('zone-a')
    await form.getByLabel('Instance ID').fill('i-1')
    await page.keyboard.press('Enter')
    await form.waitFor({ state: 'hidden' })
    await said(page, 'Disk data-1 was registered.')
    await row(page, 'data-1').getByText('i-1').waitFor()
    expect(await app.db.disk.findMany()).toMatchObject([
      { name: 'data-1', kind: 'DATA', zone: 'zone-a', storageType: 'local', instanceId: 'i-1' },
    ])

    await button(page, 'Register Disk').press('Enter')
    await form.getByLabel('Disk name').fill('again')
    await form.getByLabel('Path of the image').fill(path)
    await page.keyboard.press('Enter')
    await form.getByText('The file at this path is already registered as a disk.').waitFor()
  })

  test('an empty disk is created, edited, attached, resized, detached and released by keyboard, each when its status allows', async () => {
    await using app = await startTestApp()
    await using tab = await open(app, '/disks')
    const { page } = tab
    await button(page, 'Create Disk').press('Enter')
    const creation = dialog(page, 'Create Empty Disk')
    await creation.getByLabel('Disk name').fill('data-1')
    await creation.getByLabel('Size (GiB)').fill('4')
    await creation.getByRole('alert').getByText('The size must be from 5 to 32,765 GiB.').waitFor()
    await creation.getByLabel('Size (GiB)').fill('6')
    await page.keyboard.press('Enter')
    await creation.waitFor({ state: 'hidden' })
    await row(page, 'data-1').getByText('Creating', { exact: true }).waitFor()
    await app.runner.tick()
    await row(page, 'data-1').getByText('Unmounted', { exact: true }).waitFor()

    await choose(page, row(page, 'data-1'), 'data-1', 'Edit')
    const edition = dialog(page, 'Edit Disk')
    await edition.getByLabel('Disk name').fill('orders')
    await edition.getByLabel('Description').fill('The orders')
    await button(edition, 'Add a tag').press('Enter')
    await edition.getByLabel('Value of tag 1').fill('data')
    await edition.getByRole('alert').getByText('Give each tag a key.').waitFor()
    await edition.getByLabel('Key of tag 1').fill('team')
    await page.keyboard.press('Enter')
    await edition.waitFor({ state: 'hidden' })
    await row(page, 'orders').getByText('team=data').waitFor()

    await page.getByRole('link', { name: 'orders', exact: true }).press('Enter')
    await page.getByRole('heading', { level: 1, name: 'orders' }).waitFor()
    await isLive(page)
    const header = page.locator('.page-header')
    const menu = await menuOf(page, header, 'orders')
    const detach = menu.getByRole('menuitem', { name: 'Detaching it requires the status “In Use”' })
    expect(await detach.getAttribute('aria-disabled')).toBe('true')
    await menu.getByRole('menuitem', { name: 'Attach', exact: true }).press('Enter')
    const attaching = dialog(page, 'Attach Disk')
    await button(attaching, 'Attach').press('Enter')
    await attaching.getByRole('alert').getByText('Enter the ID of the instance.').waitFor()
    await attaching.getByLabel('Instance ID').fill('i-1')
    await attaching.getByLabel('Device').fill('/dev/vdb')
    await page.keyboard.press('Enter')
    await header.getByText('Attaching', { exact: true }).waitFor()
    await app.runner.tick()
    await header.getByText('In Use', { exact: true }).waitFor()
    await page.getByText('i-1 as /dev/vdb').waitFor()

    await choose(page, header, 'orders', 'Resize')
    const resizing = dialog(page, 'Resize Disk')
    await resizing.getByLabel('New size (GiB)').fill('6')
    await resizing.getByRole('alert').getByText('The size must be from 7 to 32,765 GiB.').waitFor()
    await resizing.getByLabel('New size (GiB)').fill('7')
    await page.keyboard.press('Enter')
    await resizing.waitFor({ state: 'hidden' })
    await app.runner.tick()
    await page.getByText('7 GiB', { exact: true }).waitFor()

    await choose(page, header, 'orders', 'Detach')
    const detaching = dialog(page, 'Detach Disk')
    await detaching.getByText('Detach disk orders from instance i-1?').waitFor()
    await button(detaching, 'Detach').press('Enter')
    await detaching.waitFor({ state: 'hidden' })
    await app.runner.tick()
    await header.getByText('Unmounted', { exact: true }).waitFor()

    await choose(page, header, 'orders', 'Release')
    const releasing = dialog(page, 'Release Disk')
    await releasing.getByText('Release disk orders?').waitFor()
    expect(await button(releasing, 'Release').isEnabled()).toBe(false)
    await releasing.getByLabel('To confirm, type “confirm”.').fill('confirm')
    await page.keyboard.press('Enter')
    await header.getByText('Releasing', { exact: true }).waitFor()
    await app.runner.tick()
    await page.getByText(/There is no disk v-/).waitFor()
    expect(await app.db.disk.count()).toBe(0)
  })

  test('a snapshot is verified from its drawer, which shows the result without a reload, and every tab gives notice of it', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'old' })
    await using tab = await open(app, `/snapshots?show=${id}`)
    const { page } = tab
    const drawer = page.getByRole('dialog', { name: 'old' })
    await drawer.getByText('Never verified').waitFor()
    await choose(page, drawer, 'old', 'Verify')
    await button(dialog(page, 'Verify Snapshot'), 'Verify').press('Enter')
    await drawer.getByText('Verification in progress').waitFor()
    await app.runner.tick()
    await drawer.getByText('Verification in progress').waitFor({ state: 'detached' })
    const { verifiedAt } = await app.db.snapshot.findUniqueOrThrow({ where: { id } })
    expect(verifiedAt).not.toBeNull()
    const notices = page.getByRole('region', { name: 'Notices' })
    await notices.getByText('Snapshot old verified: the copy is intact').waitFor()

    const second = await tab.openTab(`${app.url}/policies`)
    await isLive(second)
    await writeFile(join(app.config.snapshotsDir, id, 'image'), 'damaged')
    await choose(page, drawer, 'old', 'Verify')
    await button(dialog(page, 'Verify Snapshot'), 'Verify').press('Enter')
    await drawer.getByText('Verification in progress').waitFor()
    await app.runner.tick()
    for (const notified of [page, second]) {
      const failed = notified.getByRole('region', { name: 'Notices' }).getByRole('alert')
      await failed.getByText('Verification of snapshot old failed').waitFor()
      await failed.getByText('The stored copy is corrupt').waitFor()
    }
  })

  test('snapshots of several disks are all created or none, with their tags and protection', async () => {
    await using app = await startTestApp()
    const [first, second] = [await app.disk({ name: 'data-1' }), await app.disk({ name: 'data-2' })]
    await app.db.disk.update({ where: { id: second.id }, data: { status: 'EXPIRED' } })
    await using tab = await open(app, `/disks?create=${first.id},${second.id}`)
    const { page } = tab
    const form = dialog(page, 'Create Snapshot')
    await form.getByRole('checkbox', { name: 'All or none' }).press('Space')
    await form.getByLabel('Name of each snapshot').fill('both')
    await form.getByText('Description, retention, protection and tags').press('Enter')
    await form.getByRole('checkbox', { name: 'Deletion protection' }).press('Space')
    await button(form, 'Add a tag').press('Enter')
    await form.getByLabel('Key of tag 1').fill('release')
    await form.getByLabel('Value of tag 1').fill('1,2=3')
    await page.keyboard.press('Enter')
    await form.getByText('Not created: another disk was refused.').waitFor()
    expect(await app.db.snapshot.count()).toBe(0)

    await app.db.disk.update({ where: { id: second.id }, data: { status: 'UNMOUNTED' } })
    await button(form, 'Confirm').press('Enter')
    await form.getByText('2 created').waitFor()
    expect(await app.db.snapshot.findMany({ include: { tags: true } })).toMatchObject([
      { name: 'both', deletionProtection: true, tags: [{ key: 'release', value: '1,2=3' }] },
      { name: 'both', deletionProtection: true, tags: [{ key: 'release', value: '1,2=3' }] },
    ])
  })

  test('tags are changed for many at once, and filter the list by the address, as sizes and days do', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.heldSnapshots(disk, 3)
    await completed(app, disk, { name: 'tagged', tags: [{ key: 'old', value: '1' }] })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await page.getByLabel('Select tagged').check()
    await page.getByLabel('Select held-1').check()
    await button(page, 'Edit Tags').press('Enter')
    const form = dialog(page, 'Edit Tags')
    await form.getByLabel('Key of tag 1').fill('env')
    await form.getByLabel('Value of tag 1').fill('a,b=c')
    await form.getByLabel('Remove tags with these keys').fill('old')
    await page.keyboard.press('Enter')
    await button(form, 'Confirm').press('Enter')
    await form.getByText('2 changed').waitFor()
    await button(form, 'Close').last().press('Enter')
    const tags = await app.db.snapshotTag.findMany()
    expect(tags.map(({ key, value }) => `${key}=${value}`)).toEqual(['env=a,b=c', 'env=a,b=c'])

    const names = () => page.locator('tbody .link-button').allInnerTexts()
    await button(page, 'Add filter').press('Enter')
    const filter = page.getByRole('form', { name: 'Add filter' })
    await filter.getByLabel('Filter by').press('Enter')
    const tag = page.locator('.ant-select-item-option-active', { hasText: 'Tag' })
    await expect
      .poll(async () => (await tag.isVisible()) || (await page.keyboard.press('ArrowDown')))
      .toBe(true)
    await page.keyboard.press('Enter')
    await filter.getByLabel('Key', { exact: true }).fill('env')
    await filter.getByLabel('Value', { exact: true }).fill('a,b=c')
    await page.keyboard.press('Enter')
    await expect.poll(names).toEqual(['tagged', 'held-1'])
    await page.reload()
    await page.getByText('Tag: env=a,b=c').waitFor()
    await expect.poll(names).toEqual(['tagged', 'held-1'])

    await page.evaluate(() => history.pushState(null, '', '/snapshots?created=..2026-01-01&gib=..1'))
    await page.getByText('Created: up to 2026-01-01').waitFor()
    await expect.poll(names).toEqual(['held-2', 'held-1', 'held-0'])
    await button(page, 'Remove filter: Created').press('Enter')
    await expect.poll(names).toEqual(['tagged', 'held-2', 'held-1', 'held-0'])
    expect(new URL(page.url()).searchParams.get('gib')).toBe('..1')
  })
})
