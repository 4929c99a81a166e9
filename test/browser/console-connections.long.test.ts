import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { KEY, startCloudGateway } from '../support/cloud-gateway.ts'
import { button, isLive, row, seriousFindings, signIn } from '../support/console-page.ts'
import { BAIDU_KEY, baiduDialect } from '../support/fake-cloud/baidu.ts'
import { FakeCloud } from '../support/fake-cloud/engine.ts'
import { serve } from '../support/fake-cloud/server.ts'

const EVERYTHING_REFUSED = {
  status: 403,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ code: 'InvalidAccessKeyId', message: 'The key does not exist.', requestId: 'r' }),
}

/** Tests a connection as somebody else would. */
async function tried({ graphql }: Pick<TestApp, 'graphql'>, id: string): Promise<void> {
  const test = `mutation ($id: ID!) {
    testConnection(input: { connectionId: $id }) { ... on TestConnectionPayload { connection { state } } }
  }`
  expect((await graphql(test, { id })).data.testConnection.connection.state).toMatch(/^[A-Z_]+$/)
}

describeInBrowser('connections in the console', ({ open }) => {
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })

  /** Presses an entry of the menu of a row or page. */
  async function choose(page: Page, of: string, action: string): Promise<void> {
    await page.getByRole('button', { name: `More: ${of}` }).press('Enter')
    await page.getByRole('menuitem', { name: action }).click()
  }

  test('a connection is created by the form of its provider, and what is refused is said at the field', async () => {
    const clock = new FakeCloud()
    await using cloud = await serve(clock, baiduDialect())
    await using app = await startTestApp(
      { CREDENTIALS_KEY: KEY, UPSTREAM_HOSTS: cloud.url.host },
      { now: () => new Date(clock.now()) },
    )
    app.keepSecret(BAIDU_KEY.secretAccessKey)
    await using tab = await open(app, '/connections')
    const { page } = tab
    await page.getByText('There are no connections yet.').waitFor()
    await isLive(page)
    await button(page, 'Create Connection').press('Enter')
    const form = dialog(page, 'Create Connection')
    await form.getByText('1–63 letters A–Z and a–z').waitFor()

    // OpenStack asks for its identity service, and for other credentials.
    await form.getByText('OpenStack', { exact: true }).click()
    await form.getByLabel('ID of the application credential').waitFor()
    await form.getByText('User and password').click()
    await form.getByLabel('Domain of the project').waitFor()
    await form.getByText('Reference', { exact: true }).click()
    await form.getByLabel('Connection name').fill('1st')
    await form.getByLabel('Region').fill('RegionOne')
    await form.getByRole('textbox', { name: 'Reference' }).fill('env:HOME')
    expect(await button(form, 'Confirm').isDisabled()).toBe(true)
    await form.getByLabel('Endpoint').fill('https://keystone.example.com')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('It must start with a letter, A–Z or a–z.').waitFor()
    await form.getByLabel('Connection name').fill('stack')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('UPSTREAM_HOSTS').waitFor()
    await form.getByLabel('Endpoint').fill('nowhere')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('Enter a URL').waitFor()
    await form.getByLabel('Endpoint').fill(cloud.url.href)
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('The account may not use this reference.').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await form.getByText('Baidu AI Cloud', { exact: true }).click()
    await form.getByLabel('Access key ID').fill(BAIDU_KEY.accessKeyId)
    await form.getByLabel('Secret access key').fill(BAIDU_KEY.secretAccessKey)
    await form.getByLabel('Region').fill('b j')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('The cloud cannot have a region of this name.').waitFor()
    await form.getByLabel('Region').fill('bj')
    await page.keyboard.press('Enter')
    await row(page, 'stack').getByText('Untried', { exact: true }).waitFor()
    await row(page, 'stack').getByText('Baidu AI Cloud').waitFor()
    expect(await page.content()).not.toContain(BAIDU_KEY.secretAccessKey)

    await choose(page, 'stack', 'Test')
    await page.getByText('Connection stack: OK').waitFor()
    await row(page, 'stack').getByText('OK', { exact: true }).waitFor()
    const { provider, region, endpoint } = await app.db.connection.findFirstOrThrow()
    expect({ provider, region, endpoint }).toEqual({
      provider: 'BAIDU',
      region: 'bj',
      endpoint: cloud.url.href,
    })
  })

  test('the details follow the state, its reason, the disks and snapshots, and the quotas of the cloud', async () => {
    await using gateway = await startCloudGateway('cinder')
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk({ name: 'orders' })
    gateway.outside(disk.id)
    cloud.snapshotLimit = 1
    await using tab = await open(app, `/connections/${connectionId}`)
    const { page } = tab
    const quotas = page.getByRole('region', { name: 'Quotas of the cloud' })
    await page.getByText('Untried', { exact: true }).first().waitFor()
    await quotas.getByText('Known after the first sync.').waitFor()

    await gateway.poll()
    await page.locator('.page-header').getByText('OK', { exact: true }).waitFor()
    await quotas.getByRole('progressbar', { name: 'Snapshots: 1 / 1' }).waitFor()
    expect(await quotas.locator('.ant-progress-status-exception').count()).toBe(1)
    expect(await page.locator('a[href="/disks?connection=' + connectionId + '"]').innerText()).toBe('1')
    expect(await page.locator('a[href="/snapshots?connection=' + connectionId + '"]').innerText()).toBe('1')

    cloud.faults.everything = { status: 503, body: '' }
    await button(page, 'Test').press('Enter')
    await page.getByText('Connection production: Unreachable').waitFor()
    await page.getByText('Disks and snapshots are not updated. Retrying automatically.').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    // The Overview counts it, live, and leads to the list of those that are not OK.
    const second = await tab.openTab(`${app.url}/overview`)
    const card = second.getByRole('region', { name: 'Connections not OK' })
    await card.getByText('Unreachable', { exact: true }).waitFor()
    await card.getByText('503').waitFor()
    await card.getByRole('link', { name: 'Connections not OK: 1' }).press('Enter')
    await row(second, 'production').waitFor()
    await second.goto(`${app.url}/connections?status=OK`)
    await second.getByText('Nothing matches the search and filters.').waitFor()
    await second.goto(`${app.url}/overview`)
    await card.getByRole('link', { name: 'Connections not OK: 1' }).waitFor()

    // What changes without this page having asked is seen, too.
    cloud.faults.everything = undefined
    await tried(app, connectionId)
    await page.locator('.page-header').getByText('OK', { exact: true }).waitFor()
    await card.getByText('All connections to clouds are OK.').waitFor()

    cloud.snapshotLimit = 100
    cloud.advance(1)
    await button(page, 'Sync Now').press('Enter')
    await page.getByText('Connection production is being synced.').waitFor()
    await gateway.poll()
    await quotas.getByRole('progressbar', { name: 'Snapshots: 1 / 100' }).waitFor()
    expect(await quotas.locator('.ant-progress-status-exception').count()).toBe(0)
  })

  test('the disks of a connection are listed alone, and a disk and a snapshot say what the cloud says', async () => {
    await using gateway = await startCloudGateway('baidu')
    const { app, connectionId } = gateway
    await app.disk({ name: 'local' })
    const { id: diskId } = gateway.disk({ name: 'orders' })
    gateway.outside(diskId, { name: 'weekly' })
    gateway.cloud.policy('asp', { name: 'nightly', timePoints: [2], diskIds: new Set([diskId]) })
    await gateway.poll()
    await using tab = await open(app, `/connections/${connectionId}`)
    const { page } = tab
    const policies = page.getByRole('region', { name: 'Policies of the cloud' })
    await policies.getByText('Every day at 02:00').waitFor()
    expect(await policies.getByRole('button').count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await page.locator('a[href^="/disks?connection="]').click()
    await row(page, 'orders').getByText('Baidu AI Cloud').waitFor()
    await row(page, 'orders').getByRole('link', { name: 'production' }).waitFor()
    expect(await row(page, 'local').count()).toBe(0)
    await row(page, 'orders').getByRole('link', { name: 'orders' }).click()
    await page.getByText('Available', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'production' }).waitFor()
    await page.getByRole('region', { name: 'Automatic policy' }).getByText('nightly').waitFor()
    const { id } = await app.db.snapshot.findFirstOrThrow({ where: { name: 'weekly' } })
    await page.goto(`${app.url}/snapshots?connection=${connectionId}&show=${id}`)
    await page.getByText('Somebody else, in the cloud').waitFor()
    await page.keyboard.press('Escape')
    await row(page, 'weekly').getByRole('link', { name: 'production' }).waitFor()
  })

  test('a connection is renamed and its credentials are replaced as a whole, and deleting it says what disappears', async () => {
    await using gateway = await startCloudGateway('baidu')
    const { app, cloud, connectionId } = gateway
    gateway.outside(gateway.disk({ name: 'orders' }).id)
    await gateway.poll()
    cloud.faults.everything = EVERYTHING_REFUSED
    await tried(app, connectionId)
    await using tab = await open(app, `/connections/${connectionId}`)
    const { page } = tab
    await page.getByText('InvalidAccessKeyId').first().waitFor()
    await isLive(page)

    await choose(page, 'production', 'Edit')
    const edition = dialog(page, 'Edit Connection')
    await edition.getByLabel('Connection name').fill('main')
    await edition.getByText('Replace the credentials').click()
    expect(await edition.getByLabel('Secret access key').inputValue()).toBe('')
    expect(await button(edition, 'Confirm').isDisabled()).toBe(true)
    await edition.getByLabel('Access key ID').fill(BAIDU_KEY.accessKeyId)
    await edition.getByLabel('Secret access key').fill(BAIDU_KEY.secretAccessKey)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'main' }).waitFor()
    await page.locator('.page-header').getByText('Untried', { exact: true }).waitFor()

    await choose(page, 'main', 'Delete')
    const deletion = dialog(page, 'Delete Connection')
    await deletion.getByText('Its disks (1) and snapshots (1) disappear from the gateway').waitFor()
    expect(await button(deletion, 'Delete').isDisabled()).toBe(true)
    await deletion.getByRole('textbox').fill('confirm')
    await page.keyboard.press('Enter')
    await page.getByText('There are no connections yet.').waitFor()
    expect(await app.db.connection.count()).toBe(0)
    expect(await app.db.disk.count({ where: { connectionId } })).toBe(0)
  })

  test('who may not change connections reads why, and an operator can still sync', async () => {
    await using gateway = await startCloudGateway('baidu')
    const { app } = gateway
    await app.token('ADMIN')
    const operator = await app.token('OPERATOR')
    await using tab = await open(app, '/connections', [/401/, /WebSocket/])
    const { page } = tab
    await signIn(page, operator.token)
    await page.getByText('Requires the Administrator role. You are signed in as Operator.').first().waitFor()
    expect(await button(page, 'Create Connection').getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('button', { name: 'More: production' }).press('Enter')
    await page.getByRole('menuitem', { name: 'Test Requires the Administrator role.' }).waitFor()
    await page.getByRole('menuitem', { name: 'Sync Now', exact: true }).click()
    await page.getByText('Connection production is being synced.').waitFor()
  })

  test('nothing of a connection is English in Chinese, but the words of the cloud, quoted', async () => {
    await using gateway = await startCloudGateway('baidu')
    const { app, cloud, connectionId } = gateway
    await gateway.poll()
    cloud.faults.everything = EVERYTHING_REFUSED
    await tried(app, connectionId)
    await using tab = await open(app, `/connections/${connectionId}`, [], { locale: 'zh-CN' })
    const { page } = tab
    await page.getByText('磁盘和快照停止更新').waitFor()
    const text = (await page.locator('main').innerText()).replaceAll(/“.*?”/g, '')
    expect(text.match(/[a-z]{2,} [a-z]{2,} [a-z]{2,}/gi)).toBeNull()
  })
})
