import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { isLive, row, seriousFindings, signIn } from '../support/console-page.ts'
import { policyOf, EVERY_NIGHT } from '../support/policies.ts'
import { completed, mutate } from '../support/snapshots.ts'

/** A disk whose rollback has failed, and one with a full quota. */
async function busyWorld(app: TestApp) {
  const disk = await app.disk({ name: 'data-1' })
  const id = await completed(app, disk, { name: 'before' })
  await writeFile(join(app.config.snapshotsDir, id, 'image'), 'damaged')
  await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId: id })
  await app.runner.tick()
  const full = await app.disk({ name: 'full', attachedTo: 'i-1' })
  await app.heldSnapshots(full, 10)
  await policyOf(app, { ...EVERY_NIGHT, name: 'nightly' }, full)
  return { disk, full }
}

const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

describeInBrowser('the Overview and Activity', ({ open }) => {
  test('the Overview shows how the account is doing, live, and each number leads to the list that it counts', async () => {
    await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '10' })
    const { disk } = await busyWorld(app)
    await app.db.dailyUsage.createMany({
      data: ['2026-11-01', '2026-11-02'].map((day, index) => ({
        accountId: disk.accountId,
        day,
        disks: 1,
        snapshots: index,
        dataBytes: BigInt(index) * 1024n ** 2n,
      })),
    })
    await using tab = await open(app, '/overview')
    const { page } = tab
    await isLive(page)
    await card(page, 'Disks').getByRole('link', { name: 'Disks: 2' }).waitFor()
    await card(page, 'Snapshots').getByRole('link', { name: 'Snapshots: 11' }).waitFor()
    await page
      .getByRole('img', { name: 'Snapshot storage from 1 Nov 2026 to 2 Nov 2026: 0 B, then 1 MiB.' })
      .waitFor()
    await card(page, 'Quotas from 90 %').getByText('10 / 10').waitFor()
    await card(page, 'Next policy runs').getByRole('link', { name: 'nightly' }).waitFor()
    const nearly = await app.disk({ name: 'nearly' })
    await app.heldSnapshots(nearly, 9)
    await page.getByRole('button', { name: 'Refresh' }).press('Enter')
    const bar = (disk: string) =>
      card(page, 'Quotas from 90 %')
        .getByRole('listitem')
        .filter({ hasText: disk })
        .locator('.ant-progress-track, .ant-progress-bg')
    const colour = (disk: string) =>
      bar(disk)
        .last()
        .evaluate((track) => getComputedStyle(track).backgroundColor)
    await bar('nearly').last().waitFor()
    expect([await colour('nearly'), await colour('full')]).toEqual(['rgb(232, 160, 0)', 'rgb(197, 34, 31)'])
    await card(page, 'In progress').getByText('Nothing is in progress.').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'running' })
    await card(page, 'In progress').getByRole('link', { name: 'running' }).waitFor()
    await card(page, 'Snapshots').getByRole('link', { name: 'Snapshots: 21' }).waitFor()
    await app.runner.tick()
    await card(page, 'In progress').getByText('Nothing is in progress.').waitFor()

    await card(page, 'Failures in the last 24 hours').getByRole('link', { name: /: 1$/ }).press('Enter')
    await row(page, 'Roll back disk').getByText('Failed', { exact: true }).waitFor()
    expect(await page.locator('tbody tr.ant-table-row').count()).toBe(1)
    await page.goBack()
    await card(page, 'Disks')
      .getByRole('listitem')
      .filter({ hasText: 'In Use' })
      .getByRole('link', { name: '1' })
      .press('Enter')
    await row(page, 'full').waitFor()
    await page.getByText('1–1 of 1').waitFor()

    await app.heldSnapshots(nearly, 2, 'AUTOMATIC')
    await page.goto(`${app.url}/overview`)
    await card(page, 'Snapshots').waitFor()
    const counts = await page
      .locator('.counts a')
      .evaluateAll((links) => links.map((link) => [link.getAttribute('href') ?? '', link.textContent]))
    expect(counts.length).toBeGreaterThanOrEqual(4)
    for (const [href = '', count = ''] of counts) {
      await page.goto(app.url + href)
      await page.getByText(new RegExp(`^1–\\d+ of ${count}$`)).waitFor()
    }
  })

  test('the start page is the Overview', async () => {
    await using app = await startTestApp()
    await using tab = await open(app, '/')
    const { page } = tab
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    const navigation = page.getByRole('navigation', { name: 'Console' })
    await expect.poll(() => navigation.locator('[aria-current]').allInnerTexts()).toEqual(['Overview'])
    await navigation.locator('a[href="/disks"]').press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Disk List' }).waitFor()
    await page.getByRole('link', { name: 'Snapgate' }).press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  })

  test('Activity shows who did what, from where and with which result, follows live, and is filtered by what the address says', async () => {
    await using app = await startTestApp()
    const { disk } = await busyWorld(app)
    const token = await app.token('ADMIN')
    await using tab = await open(app, '/activity', [/401/, /WebSocket/])
    const { page } = tab
    await signIn(page, token.token)
    await isLive(page)
    await row(page, 'Create API token').getByText('Gateway', { exact: true }).waitFor()
    await token.snapshot(disk, { name: 'by-token' })
    const created = row(page, 'by-token')
    await created.getByText('In progress').waitFor()
    await created.getByText('127.0.0.1', { exact: true }).waitFor()
    await app.runner.tick()
    await created.getByText('Succeeded', { exact: true }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await created.getByRole('button', { name: 'API token test', exact: true }).press('Enter')
    await page.getByText('1–1 of 1').waitFor()
    await page.reload()
    await page.getByText('1–1 of 1').waitFor()
    await page.getByRole('button', { name: `Remove filter: Actor: ${token.id}` }).press('Enter')
    await row(page, 'Roll back disk').getByText('Failed', { exact: true }).waitFor()
    await page.goto(`${app.url}/activity?result=FAILED&disk=${disk.id}`)
    await page.getByText('1–1 of 1').waitFor()
    await page.goto(`${app.url}/activity?created=2020-01-01..2020-01-02`)
    await page.getByText('Nothing matches the search and filters.').waitFor()
  })

  test('a disk and a snapshot show what was done with them, by whom and from where', async () => {
    await using app = await startTestApp()
    const token = await app.token('ADMIN')
    const disk = await app.disk({ name: 'data-1' })
    const id = await token.snapshot(disk, { name: 'by-token' })
    await app.runner.tick()
    await using tab = await open(app, `/disks/${disk.id}`, [/401/, /WebSocket/])
    const { page } = tab
    await signIn(page, token.token)
    await isLive(page)
    const activity = card(page, 'Activity')
    await activity.getByText('Create snapshot').waitFor()
    await activity.getByText('API token test').waitFor()
    await mutate(token, 'updateDisk', { diskId: disk.id, name: 'data-2' })
    await token.snapshot(disk, { name: 'another' })
    await activity.getByText('Edit disk').waitFor()
    await page.goto(`${app.url}/snapshots?show=${id}`)
    const drawer = page.getByRole('dialog')
    await drawer.getByText('API token test').waitFor()
    await drawer.getByText('127.0.0.1').waitFor()
    await drawer.getByRole('link', { name: 'View in Activity' }).press('Enter')
    await page.getByText('1–1 of 1').waitFor()
  })

  test('the Overview and Activity are Chinese in the Chinese console', async () => {
    await using app = await startTestApp()
    await busyWorld(app)
    await using tab = await open(app, '/overview', [], { locale: 'zh-CN' })
    const { page } = tab
    await page.getByRole('heading', { level: 1, name: '概览' }).waitFor()
    await card(page, '最近 24 小时失败的操作').getByText('回滚磁盘').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('link', { name: '操作记录' }).press('Enter')
    await row(page, '回滚磁盘').getByText('失败', { exact: true }).waitFor()
    await row(page, '回滚磁盘').getByText('快照数据已损坏：校验和不一致。').waitFor()
    await page.goto(`${app.url}/snapshots`)
    await row(page, 'before').getByText('快照数据已损坏：校验和不一致。').waitFor()
    await page.getByRole('button', { name: 'before', exact: true }).click()
    const history = page.getByRole('dialog')
    await history.getByText('快照数据已损坏：校验和不一致。').first().waitFor()
    expect(await page.locator('body').innerText()).not.toMatch(/corrupt|[a-z]+ [a-z]+ [a-z]+\./)
  })
})
