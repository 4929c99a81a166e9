import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { dialog, isLive, seriousFindings } from '../support/console-page.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'

describeInBrowser('automatic policies in the console', ({ open }) => {
  const card = (page: Page) => page.getByRole('region', { name: 'Automatic policy' })
  const linking = (page: Page) => dialog(page, 'Link a policy')
  const confirm = (page: Page) => linking(page).getByRole('button', { name: 'Confirm' })
  const hasFocus = (element: Locator) =>
    expect.poll(() => element.evaluate((node) => node === document.activeElement)).toBe(true)
  const said = (page: Page, text: string) => page.getByRole('alert').getByText(text).waitFor()

  test('with no policy yet, one is created and linked by keyboard, and what is wrong with it is said under its fields', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    await using tab = await open(app, `/disks/${disk.id}`, [], {
      timezoneId: 'Asia/Shanghai',
    })
    const { page } = tab
    const problems = () => linking(page).getByRole('alert').allInnerTexts()

    await card(page).getByText('No policy is linked.').waitFor()
    await card(page).getByRole('button', { name: 'Link a policy…' }).press('Enter')
    const name = linking(page).getByLabel('Policy name')
    await hasFocus(name)
    await page.keyboard.press('Enter')
    await expect.poll(problems).toEqual(['Enter a name.'])
    expect(await name.getAttribute('aria-invalid')).toBe('true')

    await name.fill('weekly')
    for (const box of await linking(page).getByRole('checkbox').all()) await box.press('Space')
    await linking(page).getByLabel('Hours').press('Backspace')
    await linking(page).getByLabel('Keep snapshots for').fill('0')
    await page.keyboard.press('Enter')
    await expect
      .poll(problems)
      .toEqual([
        'Choose at least one day.',
        'Choose at least one hour.',
        'Enter 1 to 65,536 days, or leave it empty.',
      ])
    expect(await app.db.autoSnapshotPolicy.count()).toBe(0)

    await linking(page).getByRole('checkbox', { name: 'Sun' }).press('Space')
    await linking(page).getByLabel('Keep snapshots for').fill('7')
    const hours = linking(page).getByLabel('Hours')
    for (const hour of ['18:00', '06:00']) {
      await hours.fill(hour)
      await hours.press('Enter')
    }
    await hours.press('Tab')
    await linking(page).getByLabel('Keep snapshots for').press('Enter')
    await linking(page).waitFor({ state: 'hidden' })
    await said(page, 'The policy weekly is linked to data-1.')

    const facts = () => card(page).locator('dd').allInnerTexts()
    await expect
      .poll(facts)
      .toEqual([
        'weekly',
        'Sun at 06:00 and 18:00',
        'Asia/Shanghai',
        'For 7 days',
        expect.stringMatching(/^(Sun \d+ \w+, (06|18):00 GMT\+8\n?){3}$/),
        'Has not run yet',
      ])
    await hasFocus(card(page).getByRole('button', { name: 'Unlink…' }))
    const { policyId } = await app.db.disk.findUniqueOrThrow({ where: { id: disk.id } })
    expect(await app.db.autoSnapshotPolicy.findMany()).toMatchObject([
      {
        id: policyId,
        timePoints: '[6,18]',
        repeatWeekdays: '[0]',
        retentionDays: 7,
        timeZone: 'Asia/Shanghai',
      },
    ])
  })

  test('the card follows what a run made of the disk, and unlinking names both and may delete what was made', async () => {
    const clock = { now: new Date('2026-05-01T00:00Z') }
    await using app = await startTestApp({}, { now: () => clock.now })
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    const policyId = await policyOf(app, EVERY_NIGHT, disk)
    await using tab = await open(app, '/healthz', [/404/])
    const { page } = tab
    await page.clock.install({ time: new Date('2026-05-01T02:00:10Z') })
    await page.goto(`${app.url}/disks/${disk.id}`)
    const lastRun = card(page).locator('dd').last()
    const made = 'auto-2026-05-01-02.00'

    await card(page).getByText('Every day at 02:00').waitFor()
    await card(page).getByText('Until the quota is full (oldest deleted first)').waitFor()
    expect(await card(page).locator('time').allInnerTexts()).toEqual([
      'Fri 1 May, 02:00 UTC',
      'Sat 2 May, 02:00 UTC',
      'Sun 3 May, 02:00 UTC',
    ])
    await isLive(page)
    clock.now = new Date('2026-05-01T02:00Z')
    await app.scheduler.tick()
    await lastRun.getByText('Creating').waitFor()
    await app.runner.tick()
    await lastRun.getByText('Completed').waitFor()
    await lastRun.getByRole('button', { name: made }).click()
    await page.getByRole('dialog', { name: made }).getByText('History').waitFor()
    await page.keyboard.press('Escape')

    // No transition says that no snapshot is taken; the page looks when the time of the run has come, and until it is decided.
    await app.db.disk.update({ where: { id: disk.id }, data: { status: 'EXPIRED' } })
    await page.clock.fastForward(24 * 3_600_000)
    const runId = 'asr-seconds0night'
    await app.db.autoSnapshotRun.create({
      data: {
        id: runId,
        accountId: disk.accountId,
        policyId,
        slot: '2026-05-02T02:00[UTC]',
        scheduledFor: new Date('2026-05-02T02:00Z'),
        decidedAt: new Date('2026-05-02T02:00Z'),
        outcome: 'RUN',
      },
    })
    const pending = { id: 'ard-seconds0night', runId, diskId: disk.id, accountId: disk.accountId }
    await app.db.autoSnapshotRunDisk.create({ data: { ...pending, outcome: 'PENDING' } })
    clock.now = new Date('2026-05-02T02:00:01Z')
    await page.clock.fastForward(20_000)
    await lastRun.getByText('Pending').waitFor()
    await app.scheduler.tick()
    await page.clock.fastForward(20_000)
    await lastRun.getByText('Skipped: no snapshot was taken.').waitFor()
    await lastRun.getByText('The status of the disk did not allow a snapshot.').waitFor()

    const unlinking = dialog(page, 'Unlink the policy')
    const unlink = card(page).getByRole('button', { name: 'Unlink…' })
    await unlink.press('Enter')
    await unlinking.getByText('Unlink the policy every night from the disk data-1?').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('Escape')
    await unlinking.waitFor({ state: 'hidden' })
    await hasFocus(unlink)
    expect(await app.db.disk.count({ where: { policyId } })).toBe(1)

    await unlink.press('Enter')
    await unlinking.getByLabel('Delete the automatic snapshots of this disk as well (1)').check()
    await unlinking.getByRole('button', { name: 'Unlink' }).click()
    await unlinking.waitFor({ state: 'hidden' })
    await said(page, 'The policy every night is unlinked from data-1.')
    await card(page).getByText('No policy is linked.').waitFor()
    await hasFocus(card(page).getByRole('button', { name: 'Link a policy…' }))
    await app.runner.tick()
    await page.getByText('There are no snapshots yet.').waitFor()
    expect(await app.db.disk.count({ where: { policyId } })).toBe(0)
  })

  test('many disks are linked each for itself, and what is refused is said, beforehand and in the dialog, which stays', async () => {
    await using app = await startTestApp()
    const [first] = [await app.disk({ name: 'first', attachedTo: 'i-1' }), await app.disk({ name: 'free' })]
    const taken = await app.disk({ name: 'taken', attachedTo: 'i-1' })
    const policyId = await policyOf(app, EVERY_NIGHT)
    const workdays = { ...EVERY_NIGHT, name: 'workdays', repeatWeekdays: [1, 2, 3, 4, 5] }
    const goneId = await policyOf(app, workdays, taken)
    await using tab = await open(app, '/disks')
    const { page } = tab
    const link = page.getByRole('main').getByRole('button', { name: 'Link a policy…' })
    const result = (disk: string, text: string) =>
      linking(page).getByRole('row').filter({ hasText: disk }).getByText(text).waitFor()
    const OF_FREE = 'The disk is “Unmounted”. A policy can be linked to it while it is “In Use”.'
    const OF_TAKEN = 'The disk is already linked to the policy workdays.'

    expect(await link.getAttribute('aria-disabled')).toBe('true')
    await page.getByLabel('Select all on this page').check()
    await link.click()
    await confirm(page).click()
    await linking(page).getByRole('alert').getByText('Choose a policy.').waitFor()
    await result('free', OF_FREE)
    await result('taken', OF_TAKEN)
    await linking(page)
      .getByRole('radio', { name: /workdays Monday to Friday at 02:00 · UTC/ })
      .check()
    // It is the one that it is linked to.
    await result('taken', 'In Use')
    await linking(page)
      .getByRole('radio', { name: /every night/ })
      .check()
    await result('taken', OF_TAKEN)
    expect(await seriousFindings(page)).toEqual([])
    await confirm(page).click()
    await said(page, '1 linked, 2 refused')
    await result('first', 'Linked to every night')
    await result('free', OF_FREE)
    await result('taken', OF_TAKEN)
    expect(await app.db.disk.findMany({ where: { policyId } })).toMatchObject([{ name: 'first' }])
    await linking(page).getByRole('button', { name: 'Close', exact: true }).last().click()

    await page.getByRole('link', { name: 'free' }).click()
    const ofFree = card(page).getByRole('button', { name: 'Link a policy…' })
    await ofFree.focus()
    await page.getByRole('tooltip').getByText(OF_FREE).waitFor()

    // What was allowed when the dialog was opened is not any more.
    await app.policies.unlink(app.viewer, policyId, [first.id])
    await page.evaluate((id) => history.pushState(null, '', `/disks/${id}?link=${id}`), first.id)
    await linking(page).getByRole('radio', { name: 'Create a new policy' }).check()
    await linking(page).getByLabel('Policy name').fill('late')
    await expect.poll(() => confirm(page).isEnabled()).toBe(true)
    await app.db.disk.update({ where: { id: first.id }, data: { status: 'SCALING' } })
    await page.getByRole('button', { name: 'Dark theme', includeHidden: true }).dispatchEvent('click')
    expect(await seriousFindings(page, ['color-contrast'])).toEqual([])
    await confirm(page).click()
    await said(page, 'The policy late was created.')
    await said(page, 'The disk is “Resizing”. A policy can be linked to it while it is “In Use”.')
    expect(await linking(page).getByRole('radio', { name: /late/ }).isChecked()).toBe(true)
    expect(await app.db.disk.count({ where: { policyId } })).toBe(0)

    await page.evaluate((id) => history.pushState(null, '', `/disks/${id}?unlink=${id}`), taken.id)
    const unlinking = dialog(page, 'Unlink the policy')
    await unlinking.getByText('Unlink the policy workdays from the disk taken?').waitFor()
    await app.policies.delete(app.viewer, goneId)
    await unlinking.getByRole('button', { name: 'Unlink' }).click()
    await unlinking.getByRole('alert').getByText('not found').waitFor()
  })
})
