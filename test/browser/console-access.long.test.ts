import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { dialog, isLive, row, seriousFindings, signIn } from '../support/console-page.ts'
import { mutate } from '../support/snapshots.ts'

/** What the browser says of a request or socket that the gateway turned away. */
const TURNED_AWAY = [/401/, /404/, /WebSocket/]

describeInBrowser('who may use the console', ({ open }) => {
  const asksForToken = (page: Page) => page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  const header = (page: Page) => page.getByRole('banner')

  test('without a token it asks for one, says why one is refused, and with the right one it works, live too', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const admin = await app.token('ADMIN')
    const revoked = await app.token('ADMIN')
    await app.tokens.revoke(app.viewer, revoked.id)
    await using tab = await open(app, '/healthz', TURNED_AWAY)
    const { page } = tab
    const initial: unknown[] = []
    page.on('websocket', (socket) =>
      socket.once('framesent', ({ payload }) => initial.push(JSON.parse(payload.toString()))),
    )

    await page.goto(`${app.url}/snapshots?sort=-name`)
    await asksForToken(page)
    expect(await page.getByRole('alert').count()).toBe(0)
    for (const [token, reason] of [
      ['wrong', 'The credential is not an API token. API tokens start with sg_.'],
      [admin.token.slice(0, -1), 'The API token is mistyped or truncated. Send all of it.'],
      [revoked.token, 'The API token was revoked. Use another one.'],
    ] as const) {
      await signIn(page, token)
      await page.getByRole('alert').getByText(reason).waitFor()
    }
    expect(await page.getByText(/Live|Reconnecting|Offline/).count()).toBe(0)
    expect(await seriousFindings(page)).toEqual([])

    await signIn(page, admin.token)
    await header(page).getByText('Administrator').waitFor()
    await isLive(page)
    await mutate(admin, 'createSnapshot', { diskId: disk.id, name: 'seen' })
    await row(page, 'seen').getByText('Creating', { exact: true }).waitFor()
    await app.runner.tick()
    await row(page, 'seen').getByText('Completed').waitFor()
    const authorization = `Bearer ${admin.token}`
    expect(initial).toEqual([{ type: 'connection_init', payload: { authorization } }])
    expect(new URL(page.url()).search).toBe('?sort=-name')

    await page.reload()
    await row(page, 'seen').getByText('Completed').waitFor()
    expect(tab.requests.filter((url) => url.includes('sg_'))).toEqual([])
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, ''])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await asksForToken(page)
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })

  test('when the token expires or is revoked, the open page asks for another, says why, and goes on where it was', async () => {
    let days = 0
    await using app = await startTestApp({}, { now: () => new Date(Date.now() + days * 86_400_000) })
    const disk = await app.disk({ name: 'data-1' })
    const forADay = await app.token('OPERATOR', 'local', 1)
    const forEver = await app.token('ADMIN')
    await using tab = await open(app, `/disks/${disk.id}`, TURNED_AWAY)
    const { page } = tab
    const asksAgain = async (reason: string) => {
      await page.getByRole('alert').getByText(reason).waitFor()
      const field = page.getByLabel('Token')
      expect(await field.evaluate((input) => input === document.activeElement)).toBe(true)
      expect(
        await header(page)
          .getByText(/Operator|Administrator|Reconnecting/)
          .count(),
      ).toBe(0)
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    }
    const isThere = async () => {
      await page.getByRole('heading', { level: 1, name: 'data-1' }).waitFor()
      await isLive(page)
    }

    await signIn(page, forADay.token)
    await isThere()
    await header(page).getByText('Operator').waitFor()
    const until = await header(page)
      .getByText(/^until /)
      .getAttribute('datetime')
    expect(until).toBe(forADay.expiresAt?.toISOString())
    await page.getByRole('button', { name: 'Create Snapshot' }).click()
    await dialog(page).getByLabel('Snapshot name').waitFor()
    // Asked for before the socket is closed.
    days = 2
    await dialog(page).getByRole('button', { name: 'Confirm' }).click()
    await asksAgain('The credential has expired. Use a new one.')
    const alert = page.getByRole('alert')
    await alert.getByText('Your session has expired. Sign in again.').waitFor()
    await page.getByRole('button', { name: '中文' }).click()
    await alert.getByText('会话已过期，请重新登录。').waitFor()
    await page.getByRole('button', { name: 'English' }).click()

    await signIn(page, forEver.token)
    await isThere()
    await dialog(page).getByLabel('Snapshot name').waitFor()
    await header(page).getByText('Administrator').waitFor()
    expect(
      await header(page)
        .getByText(/^until /)
        .count(),
    ).toBe(0)
    await app.tokens.revoke(app.viewer, forEver.id)
    await asksAgain('The API token was revoked. Use another one.')
    expect(await alert.getByText(/session has expired/).count()).toBe(0)
  })

  test('what the role does not allow is there, cannot be done, and says which role it takes', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const [viewer, operator] = [await app.token('VIEWER'), await app.token('OPERATOR')]
    await using tab = await open(app, '/disks', TURNED_AWAY)
    const { page } = tab
    const reason = 'Requires the Operator role. You are signed in as Viewer.'
    const actions = page.getByRole('main').getByRole('button', { name: /^(Create Snapshot|Link a policy…)$/ })

    await signIn(page, viewer.token)
    await row(page, 'data-1').waitFor()
    for (const [path, count] of [
      ['/disks', 3],
      [`/disks/${disk.id}`, 2],
      ['/snapshots', 1],
    ] as const) {
      await page.evaluate((to) => history.pushState(null, '', to), path)
      await expect.poll(() => actions.count()).toBe(count)
      for (const action of await actions.all()) {
        expect(await action.getAttribute('aria-disabled')).toBe('true')
        await expect.poll(() => describedBy(action)).toBe(reason)
        await action.click({ force: true })
      }
      expect(await page.getByRole('dialog').count()).toBe(0)
    }
    expect(await seriousFindings(page)).toEqual([])
    for (const [parameter, name] of [
      ['create', 'Create Snapshot'],
      ['link', 'Link a policy'],
    ] as const) {
      await page.evaluate((to) => history.pushState(null, '', to), `/disks?${parameter}=${disk.id}`)
      await dialog(page, name).getByText(reason).waitFor()
      expect(await dialog(page, name).getByRole('button', { name: 'Confirm' }).isDisabled()).toBe(true)
      await page.keyboard.press('Escape')
      await dialog(page, name).waitFor({ state: 'hidden' })
    }

    // A viewer sees it happen, too.
    await page.getByRole('link', { name: 'Snapshot', exact: true }).click()
    await isLive(page)
    await mutate(operator, 'createSnapshot', { diskId: disk.id, name: 'by another' })
    await row(page, 'by another').getByText('Creating', { exact: true }).waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(page, operator.token)
    await header(page).getByText('Operator').waitFor()
    await expect.poll(() => actions.first().getAttribute('aria-disabled')).toBe('false')
  })
})

/** What an element is described by. */
function describedBy(element: ReturnType<Page['locator']>): Promise<string | undefined> {
  return element.evaluate(
    (button) =>
      document.getElementById(button.getAttribute('aria-describedby')?.split(' ').at(-1) ?? '')?.textContent,
  )
}
