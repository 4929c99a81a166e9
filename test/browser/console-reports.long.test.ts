import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { button, dialog, holdAnswer, isLive, row } from '../support/console-page.ts'
import { completed, mutate } from '../support/snapshots.ts'

describeInBrowser('what users of the console reported', ({ open }) => {
  const search = (page: Page) => new URL(page.url()).search

  test('a page that loses its rows moves to the last one that has some, and the numbers are those of the list', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await app.heldSnapshots(disk, 31)
    await using tab = await open(app, `/snapshots?size=10&sort=created_at`)
    const { page } = tab
    const remove = async (count: number, newest: boolean) => {
      const rows = await app.db.snapshot.findMany({
        orderBy: { createdAt: newest ? 'desc' : 'asc' },
        take: count,
      })
      await app.db.snapshot.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } })
      await button(page, 'Refresh').click()
    }

    await page.getByText('1–10 of 31').waitFor()
    await button(page, 'Last page').click()
    await page.getByText('31–31 of 31').waitFor()
    await remove(1, true)
    await page.getByText('21–30 of 30').waitFor()
    expect(await page.getByText('There are no snapshots yet.').count()).toBe(0)
    expect(await button(page, 'Next page').isDisabled()).toBe(true)
    await button(page, 'Previous page').click()
    await page.getByText('11–20 of 30').waitFor()

    // Everything before the page goes, then everything there is.
    await button(page, 'Last page').click()
    await page.getByText('21–30 of 30').waitFor()
    await remove(25, false)
    await page.getByText('1–5 of 5').waitFor()
    expect(await button(page, 'Previous page').isDisabled()).toBe(true)
    expect(search(page)).toBe('?size=10&sort=created_at')
    await remove(5, false)
    await page.getByText('There are no snapshots yet.').waitFor()
  })

  test('names that begin like ids are found in every list and picker, and so are ids', async () => {
    await using app = await startTestApp()
    const [disk, other] = [await app.disk({ name: 'v-8' }), await app.disk({ name: 'plain' })]
    const id = await completed(app, disk, { name: 's-old' })
    await completed(app, other, { name: 'other' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    const finds = async (path: string, text: string, name: string, not: string) => {
      await page.evaluate((to) => history.pushState(null, '', to), path)
      await row(page, not).waitFor()
      await page.getByRole('searchbox').fill(text)
      await row(page, not).waitFor({ state: 'detached' })
      await row(page, name).waitFor()
    }

    await finds('/snapshots', 's-', 's-old', 'other')
    await finds('/snapshots', id, 's-old', 'other')
    await finds('/disks', 'v-', 'v-8', 'plain')
    await finds('/disks', other.id, 'plain', 'v-8')
    await page.evaluate(() => history.pushState(null, '', '/snapshots?create=new'))
    for (const [text, name] of [
      ['v-8', 'v-8'],
      [other.id, 'plain'],
    ] as const) {
      await dialog(page).getByLabel('Disk ID').fill(text)
      await expect
        .poll(() => page.locator('.ant-select-item-option-content').allInnerTexts())
        .toEqual([expect.stringContaining(name)])
    }
  })

  test('over plain HTTP, and where nothing may be stored, the page works, and ids are copied', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/healthz', [/404/])
    const { page, context } = tab
    await context.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined })
      Object.defineProperty(crypto, 'randomUUID', { value: undefined })
      for (const storage of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(globalThis, storage, {
          get: () => {
            throw new DOMException('Access is denied.', 'SecurityError')
          },
        })
      }
      document.addEventListener('copy', () => {
        const { activeElement } = document
        Object.assign(globalThis, { copied: (activeElement as HTMLTextAreaElement).value })
      })
    })
    await page.goto(`${app.url}/disks`)
    const copy = button(page, `Copy ${disk.id}`)
    await copy.click()
    await page.getByText('Copied', { exact: true }).waitFor({ state: 'attached' })
    expect(await page.evaluate(() => (globalThis as unknown as { copied: string }).copied)).toBe(disk.id)
    expect(await copy.evaluate((element) => element === document.activeElement)).toBe(true)
    await button(page, '中文').click()
    await page.getByText('磁盘列表').waitFor()
  })

  test('offline and online events of the browser do not make a living connection a lost one', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)

    await page.evaluate(() => dispatchEvent(new Event('offline')))
    await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'meanwhile' })
    await row(page, 'meanwhile').getByText('Creating', { exact: true }).waitFor()
    expect(await page.getByText('Live', { exact: true }).count()).toBe(1)
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await app.runner.tick()
    await row(page, 'meanwhile').getByText('Completed', { exact: true }).waitFor()
    expect(await page.getByText('Live', { exact: true }).count()).toBe(1)
  })

  test('a page whose script cannot be loaded says so and is there after a retry; the rest of the page stays', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/healthz', [/404/, /ERR_FAILED/, /dynamically imported/])
    const { page } = tab
    let away = true
    await page.route('**/assets/snapshot-list-*', (route) => (away ? route.abort() : route.continue()))
    await page.goto(`${app.url}/disks`)
    await isLive(page)

    await page.getByRole('link', { name: 'Snapshot', exact: true }).click()
    const alert = page.getByRole('main').getByRole('alert')
    await alert.getByText('This part of the console could not be loaded.').waitFor()
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Disk' }).click()
    await row(page, 'data-1').waitFor()
    await page.getByRole('link', { name: 'Snapshot', exact: true }).click()
    await alert.waitFor()
    away = false
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { level: 1, name: 'Snapshot List' }).waitFor()
  })

  test('a dialog whose script cannot be loaded says so above the page, and opens after a retry', async () => {
    await using app = await startTestApp()
    await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/healthz', [/404/, /ERR_FAILED/, /dynamically imported/])
    const { page } = tab
    let away = true
    await page.route('**/assets/every-dialog-*', (route) => (away ? route.abort() : route.continue()))
    await page.goto(`${app.url}/disks`)
    await isLive(page)

    const create = button(row(page, 'data-1'))
    await create.click()
    const alert = page.getByRole('alert').filter({ hasText: 'could not be loaded' })
    await alert.waitFor()
    expect(await alert.evaluate((element) => element.getBoundingClientRect().top)).toBeLessThan(100)
    await page.goBack()
    await alert.waitFor({ state: 'detached' })
    await create.click()
    await alert.waitFor()
    away = false
    await alert.getByRole('button', { name: 'Try again' }).click()
    await dialog(page).getByLabel('Snapshot name').waitFor()
  })

  test('pages are loaded before they are asked for, and open while the gateway is away', async () => {
    const app = await startTestApp()
    await using tab = await open(app, '/disks', [/ERR_|WebSocket/])
    const { page, requests } = tab
    await isLive(page)
    for (const part of ['snapshot-list', 'disk-details', 'sign-in']) {
      await expect.poll(() => requests.filter((url) => url.includes(`/assets/${part}-`)).length).toBe(1)
    }
    await app[Symbol.asyncDispose]()
    await page.getByRole('link', { name: 'Snapshot', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Snapshot List' }).waitFor()
  })

  test('when the gateway comes back with another console, the page offers it', async () => {
    const first = await startTestApp()
    await using tab = await open(first, '/disks', [/ERR_|WebSocket|503/])
    const { page } = tab
    await isLive(page)
    const { port } = new URL(first.url)
    await first[Symbol.asyncDispose]()
    await page.getByText('Reconnecting').waitFor()
    await page.route(
      (url) => url.pathname === '/disks',
      async (route) => {
        const answer = await route.fetch()
        const body = (await answer.text()).replace(/(\/assets\/index-)[\w-]{8}/g, '$1Newer123')
        await route.fulfill({ response: answer, body })
      },
    )
    await using again = await startTestApp({ PORT: port })
    await page.getByText('A new version of the console is available.').waitFor()
    await page.unrouteAll()
    await button(page, 'Reload to update').click()
    await isLive(page)
    expect(await page.getByText('A new version of the console is available.').count()).toBe(0)
    expect(again.url).toBe(first.url)
  })

  test('the event log of a disk is what was stored, of deleted snapshots too, page by page, also after a reload', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    const id = await completed(app, disk, { name: 'before' })
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId: id })
    await app.runner.tick()
    await mutate(app, 'deleteSnapshot', { snapshotId: id })
    await app.runner.tick()
    await using tab = await open(app, `/disks/${disk.id}`)
    const { page } = tab
    const log = page.getByRole('region', { name: 'Event log' })
    const steps = () =>
      log
        .getByRole('listitem')
        .evaluateAll((items) => items.map((item) => item.querySelector('strong')?.parentElement?.innerText))
    const expected = [
      'before Deleting → Deleted',
      'before Completed → Deleting',
      'Disk Rolling back → Unmounted',
      'Disk Unmounted → Rolling back',
      'before Creating → Completed',
      'before Creating',
      'Disk Unmounted',
    ]
    await expect.poll(steps).toEqual(expected)
    await page.reload()
    await expect.poll(steps).toEqual(expected)

    await isLive(page)
    for (let i = 0; i < 5; i++) await completed(app, disk, { name: `later-${i}` })
    await log.getByText('later-4 Creating → Completed').waitFor()
    await log.getByRole('button', { name: 'Older' }).click()
    await expect.poll(async () => (await steps()).at(-1)).toBe('Disk Unmounted')
    await log.getByRole('button', { name: 'Newer' }).click()
    await log.getByText('later-4 Creating → Completed').waitFor()
    await completed(app, disk, { name: 'latest' })
    await log.getByText('latest Creating → Completed').waitFor()
  })

  test('a list goes on following transitions after one that arrives just as the list is read again', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, '/disks')
    const { page } = tab
    // The snapshot's completion is delivered in the very turn in which the page asks for the list again.
    await page.addInitScript((gatherMs) => {
      let deliver: (() => void) | undefined
      const arrived = Promise.withResolvers<undefined>()
      window.WebSocket = class extends WebSocket {
        override set onmessage(listen: (event: MessageEvent<string>) => void) {
          this.addEventListener('message', (event: MessageEvent<string>) => {
            if (!event.data.includes('"to":"COMPLETED"')) {
              listen(event)
              return
            }
            deliver = () => listen(event)
            arrived.resolve(undefined)
          })
        }
      }
      const later = window.setTimeout.bind(window)
      let held = false
      const hold = (call: () => void, ms?: number) => {
        if (ms !== gatherMs || held) return later(call, ms)
        held = true
        void arrived.promise.then(() => {
          call()
          deliver?.()
        })
        return 0
      }
      window.setTimeout = hold as typeof window.setTimeout
    }, 250)
    await page.goto(`${app.url}/disks/${disk.id}`)
    await isLive(page)
    await completed(app, disk, { name: 'one' })
    const log = page.getByRole('region', { name: 'Event log' })
    await log.getByText('one Creating → Completed').waitFor()
    await completed(app, disk, { name: 'two' })
    await log.getByText('two Creating', { exact: true }).waitFor()
  })

  test('the answer to a dialog that was closed does not close the one that is open by then', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    for (const name of ['first', 'second']) await completed(app, disk, { name })
    await using tab = await open(app, '/snapshots')
    const { page } = tab
    await isLive(page)
    const ask = async (name: string) => {
      await button(page, `More: ${name}`).click()
      await page.getByRole('menuitem', { name: 'Delete', exact: true }).click()
      await dialog(page, 'Delete Snapshot').getByText(`Permanently delete snapshot ${name}?`).waitFor()
    }
    const answer = await holdAnswer(page, 'DeleteSnapshots')
    await ask('first')
    await button(dialog(page, 'Delete Snapshot'), 'Delete').click()
    await answer.answered
    await button(dialog(page, 'Delete Snapshot'), 'Cancel').click()
    await ask('second')
    await answer.arrive()
    await page.getByText('Snapshot first is being deleted.').waitFor()
    expect(new URL(page.url()).searchParams.has('delete')).toBe(true)
    await dialog(page, 'Delete Snapshot').getByText('Permanently delete snapshot second?').waitFor()
  })

  test('while a create is in flight its dialog does not say that it cannot be done', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1' })
    await using tab = await open(app, `/disks?create=${disk.id}`)
    const { page } = tab
    await isLive(page)
    const arrive = Promise.withResolvers<undefined>()
    const answered = Promise.withResolvers<undefined>()
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('mutation CreateSnapshot')) return route.continue()
      const answer = await route.fetch()
      answered.resolve(undefined)
      await arrive.promise
      return route.fulfill({ response: answer })
    })

    await dialog(page).getByLabel('Snapshot name').fill('slow')
    await button(page, 'Confirm').click()
    await answered.promise
    // The stream has told of the disk, before the answer.
    await page.getByText('Snapshot slow: Creating').waitFor({ state: 'attached' })
    await dialog(page).getByText('Creating snapshot', { exact: true }).waitFor()
    expect(
      await dialog(page)
        .getByText(/requires the status/)
        .count(),
    ).toBe(0)
    arrive.resolve(undefined)
    await page.getByText('Snapshot slow is being created.').waitFor()
  })

  test('forms send what was changed and nothing else, and take their bounds from the API', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', sizeMiB: 64 })
    const id = await completed(app, disk, { name: 'kept', retentionDays: 65_536 })
    await using tab = await open(app, `/snapshots?edit=${id}`)
    const { page } = tab
    const sent: unknown[] = []
    page.on('request', (request) => {
      const body = (request.postDataJSON() ?? {}) as { query?: string; variables?: { input?: unknown } }
      if (body.query?.startsWith('mutation')) sent.push(body.variables?.input)
    })
    const edit = dialog(page, 'Edit Snapshot')
    const days = edit.getByLabel('Keep for (days)')

    await expect.poll(() => days.inputValue()).toBe('65536')
    for (let i = 0; i < 6; i++) await page.keyboard.press('Tab')
    await days.focus()
    await edit.getByLabel('Description').fill('walked through')
    await days.fill('65537')
    await days.blur()
    await edit.getByText('Enter 1 to 65,536 days, or leave it empty.').waitFor()
    expect(await days.inputValue()).toBe('65537')
    expect(await edit.getByRole('button', { name: 'Confirm' }).isDisabled()).toBe(true)
    await days.fill('65536')
    await edit.getByRole('button', { name: 'Confirm' }).click()
    await edit.waitFor({ state: 'hidden' })
    expect(sent).toEqual([{ snapshotId: id, description: 'walked through' }])

    await page.evaluate((to) => history.pushState(null, '', to), `/snapshots?create-disk=${id}`)
    const create = dialog(page, 'Create Disk from Snapshot')
    await create
      .getByText('Leave empty for the size of the snapshot, 64 MiB, or enter 5 to 32,765 GiB.')
      .waitFor()
    await create.getByLabel('Size (GiB)').fill('1')
    await create.getByText('The size must be from 5 to 32,765 GiB.').waitFor()
    await create.getByLabel('Size (GiB)').fill('5')
    await create.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Disk kept-disk is being created.').waitFor()
  })

  test('where the browser knows no time zone, a new policy proposes one that the API accepts', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data-1', attachedTo: 'i-1' })
    await using tab = await open(app, '/healthz', [/404/])
    const { page, context } = tab
    await context.addInitScript(() => {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
      const own = Intl.DateTimeFormat.prototype.resolvedOptions
      Intl.DateTimeFormat.prototype.resolvedOptions = function resolvedOptions() {
        return { ...own.call(this), timeZone: 'Etc/Unknown' }
      }
    })
    await page.goto(`${app.url}/disks/${disk.id}?link=${disk.id}`)
    const linking = dialog(page, 'Link a policy')
    await linking.getByLabel('Policy name').fill('nightly')
    await linking.getByText('UTC', { exact: true }).waitFor()
    await linking.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('The policy nightly is linked to data-1.').waitFor()
    expect(await app.db.autoSnapshotPolicy.findMany()).toMatchObject([{ timeZone: 'UTC' }])
  })
})
