import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, isLive, row, seriousFindings, signIn } from '../support/console-page.ts'

describeInBrowser('API tokens in the console', ({ open }) => {
  const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true })

  test('the first token is shown once, and the tab that created it goes on with it', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/tokens', [/401/, /WebSocket/])
    const { page, openTab } = tab
    await page.getByText('There are no API tokens yet.').waitFor()
    await isLive(page)
    await button(page, 'Create Token').press('Enter')
    const form = dialog(page, 'Create Token')
    await form.getByText('This is the first token of the gateway.').waitFor()
    await form.getByLabel('Token name').fill('1st')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('It must start with a letter, A–Z or a–z.').waitFor()
    await form.getByLabel('Token name').fill('mine')
    await form.getByLabel('Expires after (days)').fill('30')
    await page.keyboard.press('Enter')
    await form.getByText('Copy the token now.').waitFor()
    const token = await form.locator('.copyable code').innerText()
    expect(token).toMatch(/^sg_/)
    expect(await seriousFindings(page)).toEqual([])
    await button(form, 'Close').last().press('Enter')
    await row(page, 'mine').getByText('Active', { exact: true }).waitFor()
    await isLive(page)
    expect(await page.content()).not.toContain(token)
    expect(page.url()).not.toContain(token)
    const { role, expiresAt, createdAt } = await app.db.apiToken.findFirstOrThrow()
    expect([role, (expiresAt?.getTime() ?? 0) - createdAt.getTime()]).toEqual(['ADMIN', 30 * 86_400_000])

    const other = await openTab(`${app.url}/disks`)
    await signIn(other, token)
    await row(other, 'data-1').waitFor()
  })

  test('a token is created with a role and revoked, and who may not do so reads why', async () => {
    await using app = await startTestApp()
    const admin = await app.token('ADMIN')
    const viewer = await app.token('VIEWER')
    await using tab = await open(app, '/tokens', [/401/, /WebSocket/])
    const { page } = tab
    await signIn(page, admin.token)
    await button(page, 'Create Token').press('Enter')
    const form = dialog(page, 'Create Token')
    await form.getByLabel('Token name').fill('backup')
    await form.getByRole('radio', { name: 'Viewer' }).press('Space')
    await form.getByLabel('Expires after (days)').fill('3651')
    await form.getByRole('alert').getByText('Enter 1 to 3,650 days, or leave it empty.').waitFor()
    await form.getByLabel('Expires after (days)').fill('')
    await page.keyboard.press('Enter')
    await form.getByText('The token backup was created.').waitFor()
    await button(form, 'Close').last().press('Enter')
    await row(page, 'backup').getByText('Viewer', { exact: true }).waitFor()

    await button(row(page, 'backup'), 'Revoke').press('Enter')
    const revocation = dialog(page, 'Revoke Token')
    await revocation.getByText('Permanently revoke the token backup?').waitFor()
    await button(revocation, 'Revoke').press('Enter')
    await row(page, 'backup').getByText('Revoked', { exact: true }).waitFor()
    const { revokedAt } = await app.db.apiToken.findFirstOrThrow({ where: { name: 'backup' } })
    expect(revokedAt).not.toBeNull()

    await button(page, 'Sign out').press('Enter')
    await signIn(page, viewer.token)
    await page.getByText('Requires the Administrator role. You are signed in as Viewer.').first().waitFor()
    expect(await button(page, 'Create Token').getAttribute('aria-disabled')).toBe('true')
    await page.getByText('Nothing: your role can read only.').waitFor()
  })
})
