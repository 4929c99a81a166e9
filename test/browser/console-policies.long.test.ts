import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, isLive, row, seriousFindings } from '../support/console-page.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'

describeInBrowser('the pages of policies in the console', ({ open }) => {
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })

  async function choose(page: Page, of: string, label: string): Promise<void> {
    await button(page, `More: ${of}`).press('Enter')
    await page.getByRole('menuitem', { name: label, exact: true }).press('Enter')
  }

  test('a policy is created, linked to disks, edited, unlinked and deleted by keyboard', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    const other = await app.disk({ name: 'data-2', attachedTo: 'i-1' })
    await app.disk({ name: 'free' })
    await using tab = await open(app, '/policies')
    const { page } = tab
    await page.getByText('There are no policies yet.').waitFor()
    await button(page, 'Create Policy').press('Enter')
    const creation = dialog(page, 'Create Policy')
    await creation.getByLabel('Policy name').press('Enter')
    await creation.getByRole('alert').getByText('Enter a name.').waitFor()
    await creation.getByLabel('Policy name').fill('nightly')
    await page.keyboard.press('Enter')
    await creation.waitFor({ state: 'hidden' })
    await row(page, 'nightly').getByText('Every day at 02:00').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('link', { name: 'nightly', exact: true }).press('Enter')
    await page.getByRole('heading', { level: 1, name: 'nightly' }).waitFor()
    await button(page, 'Link disks…').press('Enter')
    const linking = dialog(page, 'Link Disks')
    const choice = linking.getByLabel('Disks to link')
    for (const name of ['data-1', 'data-2']) {
      await choice.fill(name)
      await page.locator('.ant-select-item-option-active', { hasText: name }).waitFor()
      await choice.press('Enter')
    }
    await choice.press('Tab')
    await app.db.disk.update({ where: { id: other.id }, data: { status: 'EXPIRED' } })
    await button(linking, 'Confirm').press('Enter')
    await linking.getByText('1 linked, 1 refused').waitFor()
    await linking
      .getByText('The disk is “Expired”. A policy can be linked to it while it is “In Use”.')
      .waitFor()
    await button(linking, 'Close').last().press('Enter')
    await row(page, 'data-1').waitFor()
    const { policyId } = await app.db.disk.findUniqueOrThrow({ where: { id: disk.id } })

    await choose(page, 'nightly', 'Edit')
    const edition = dialog(page, 'Edit Policy')
    await edition.getByLabel('Keep snapshots for').fill('30')
    await edition.getByLabel('Policy name').fill('monthly')
    await page.keyboard.press('Enter')
    await edition.waitFor({ state: 'hidden' })
    await page.getByRole('heading', { level: 1, name: 'monthly' }).waitFor()
    await page.getByText('For 30 days').waitFor()
    expect(await app.db.autoSnapshotPolicy.findMany()).toMatchObject([
      { id: policyId, name: 'monthly', timePoints: '[2]', retentionDays: 30 },
    ])

    await button(row(page, 'data-1'), 'Unlink…').press('Enter')
    await button(dialog(page, 'Unlink the policy'), 'Unlink').press('Enter')
    await page.getByText('No disks are linked to this policy.').waitFor()
    await choose(page, 'monthly', 'Delete')
    const deletion = dialog(page, 'Delete Policy')
    await deletion.getByText('Delete the policy monthly?').waitFor()
    await button(deletion, 'Delete').press('Enter')
    await page.getByText(`There is no policy ${policyId}.`).waitFor()
    await page.getByRole('link', { name: 'To the Policy List' }).press('Enter')
    await page.getByText('There are no policies yet.').waitFor()
  })

  test('the run history shows what happened to each disk, and follows a run', async () => {
    const clock = { now: new Date('2026-05-01T00:00Z') }
    await using app = await startTestApp({}, { now: () => clock.now })
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    const expired = await app.disk({ name: 'data-2', status: 'EXPIRED' })
    const policyId = await policyOf(app, EVERY_NIGHT, disk, expired)
    await using tab = await open(app, `/policies/${policyId}`)
    const { page } = tab
    await page.getByText('Has not run yet').waitFor()
    await isLive(page)
    clock.now = new Date('2026-05-01T02:00Z')
    await app.scheduler.tick()
    await row(page, 'Fri 1 May, 02:00 UTC').getByText('Ran', { exact: true }).waitFor()
    await button(page, 'Show disks').press('Enter')
    const made = page.getByRole('listitem').filter({ hasText: 'data-1' })
    await made.getByText('Creating').waitFor()
    await app.runner.tick()
    await made.getByText('Completed').waitFor()
    const skipped = page.getByRole('listitem').filter({ hasText: 'data-2' })
    await skipped.getByText('The status of the disk did not allow a snapshot.').waitFor()
    await made.getByRole('button', { name: 'auto-2026-05-01-02.00' }).press('Enter')
    await page.getByRole('dialog', { name: 'auto-2026-05-01-02.00' }).getByText('History').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })
})
