import { describe, expect, test } from 'vitest'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { startBackend } from '../support/example-page.ts'
import { startTrial } from '../support/trial.ts'

describe.skipIf(NO_BROWSER)('an app in a browser', () => {
  test.each([
    ['Apollo Client', 'apollo'],
    ['urql with Graphcache', 'urql'],
    ['TanStack Query with graphql-request', 'tanstack-query'],
    ['Relay', 'relay'],
    ['EventSource', 'event-source'],
  ])(
    '%s lists, is refused, creates, and watches: four kills and an expired token later it has missed and repeated nothing',
    async (_client, name) => {
      await using backend = await startBackend()
      await using trial = await startTrial(backend.origin)
      await backend.serve(name, trial)
      await using browser = await launchBrowser()
      const page = await browser.newPage()
      const faults: string[] = []
      page.on('pageerror', ({ message }) => faults.push(message))
      await page.goto(backend.origin)
      await expect.poll(() => page.title()).toBe('live')

      await page.locator('[name=disk]').fill(trial.diskId)
      await page.locator('[name=name]').fill('1st')
      await page.locator('button').click()
      await expect.poll(() => page.locator('output').textContent()).toMatch(/A name starts with a letter/)
      expect(await page.locator('ol li').count()).toBe(0)
      await page.locator('[name=name]').fill('mine')
      await page.locator('button').click()
      await expect.poll(() => page.locator('output').textContent()).toBe('Accepted.')

      await trial.through(() => page.locator('ol li').allTextContents())

      const listed = await trial.list()
      await expect.poll(() => page.locator('ul li').allTextContents()).toEqual(listed)
      expect(faults).toEqual([])
    },
  )

  test('EventSource resumes by Last-Event-ID when its token has expired, and lists again when its cursor has', async () => {
    await using backend = await startBackend()
    await using trial = await startTrial(backend.origin)
    await backend.serve('event-source', trial)
    await using browser = await launchBrowser()
    const page = await browser.newPage()
    // A list of before the database was restored.
    await page.route(
      '**/graphql',
      async (route) => {
        const response = await route.fetch()
        await route.fulfill({ response, body: (await response.text()).replace(trial.start, 's99.AAAAAAAA') })
      },
      { times: 1 },
    )
    const streams: number[] = []
    page.on('response', (response) => {
      if (response.url().includes('/graphql?')) streams.push(response.status())
    })
    const steps = () => page.locator('ol li').allTextContents()
    async function create(name: string, stepsAfter: number): Promise<void> {
      await page.locator('[name=name]').fill(name)
      await page.locator('button').click()
      await expect.poll(steps, { timeout: 30_000 }).toHaveLength(stepsAfter)
    }
    await page.goto(backend.origin)
    await page.locator('[name=disk]').fill(trial.diskId)

    await expect.poll(() => streams, { timeout: 30_000 }).toEqual([200, 204, 200])
    await create('after-the-cursor', 2)

    await page.route(
      '**/graphql?*',
      async (route) => {
        trial.expireNext()
        await route.continue()
      },
      { times: 1 },
    )
    backend.cut()
    await expect.poll(() => streams, { timeout: 30_000 }).toEqual([200, 204, 200, 200, 200])
    const [complete, resumed, ...again] = backend.lastEventIds
    expect([complete, again]).toEqual(['complete', [resumed]])
    await create('after-the-token', 4)
    expect(await steps()).toEqual(await trial.log())
  })
})
