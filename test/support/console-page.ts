import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Locator, Page, Request } from 'playwright-core'
import { expect } from 'vitest'

export type ConsoleTab = Awaited<ReturnType<typeof openConsole>>

/**
 * Opens the console at `url` as a newcomer with a fresh profile would, and watches what the page does: `requests` are the
 * addresses it called, sockets included, and `problems` everything that went wrong: errors and warnings in the console,
 * which breaches of the content security policy are too, and requests that failed.
 */
export async function openConsole(browser: Browser, url: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    ...options,
  })
  // Shorter than a test's own, so that a failure names what was waited for; long enough for a busy machine to open a page.
  context.setDefaultTimeout(30_000)
  const requests: string[] = []
  const problems: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  context.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    // Going to another page ends what this one was still asking for.
    if (reason !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${reason}`)
  })

  /** Another tab of the same profile. */
  async function openTab(address: string): Promise<Page> {
    const tab = await context.newPage()
    tab.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
    })
    tab.on('pageerror', (error) => problems.push(error.message))
    tab.on('websocket', (socket) => requests.push(socket.url()))
    await tab.goto(address)
    return tab
  }

  return {
    context,
    page: await openTab(url),
    openTab,
    requests,
    problems,
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Opens it; once closed: no request left the origin, the policy held, and nothing went wrong but what was expected. */
export async function openStrictly(
  browser: Browser,
  url: string,
  expected: RegExp[] = [],
  options?: BrowserContextOptions,
): Promise<ConsoleTab> {
  const tab = await openConsole(browser, url, options)
  return {
    ...tab,
    async [Symbol.asyncDispose]() {
      await tab[Symbol.asyncDispose]()
      const { host } = new URL(url)
      expect(tab.requests.filter((request) => new URL(request).host !== host)).toEqual([])
      expect(tab.problems.filter((problem) => !expected.some((known) => known.test(problem)))).toEqual([])
    },
  }
}

/** Signs in where the page asks for a token. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Waits until the page says that it follows what happens. */
export async function isLive(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).waitFor()
}

/** The row of a table that has this text in it. */
export function row(page: Page, text: string) {
  return page.getByRole('row').filter({ hasText: text })
}

/** The button of this name, on the page or in a part of it. */
export function button(place: Page | Locator, name = 'Create Snapshot') {
  return place.getByRole('button', { name, exact: true })
}

/** The dialog of this name. */
export function dialog(page: Page, name = 'Create Snapshot') {
  return page.getByRole('dialog', { name })
}

/**
 * Holds back the next answer to the operation of this name. `answered` resolves when the gateway has given it, and `arrive`
 * lets it through.
 */
export async function holdAnswer(page: Page, operation: string) {
  const answered = Promise.withResolvers<undefined>()
  const arrival = Promise.withResolvers<undefined>()
  const ended = Promise.withResolvers<undefined>()
  let held: Request | undefined
  const onEnd = (request: Request) => {
    if (request === held) ended.resolve(undefined)
  }
  page.on('requestfinished', onEnd)
  // A page that asks again may abort what it asked for.
  page.on('requestfailed', onEnd)
  await page.route('**/graphql', async (route) => {
    const request = route.request()
    if (held || !new RegExp(`(query|mutation) ${operation}\\b`).test(request.postData() ?? '')) {
      return route.fallback()
    }
    held = request
    const response = await route.fetch()
    answered.resolve(undefined)
    await arrival.promise
    return route.fulfill({ response })
  })
  return {
    answered: answered.promise,
    async arrive(): Promise<void> {
      arrival.resolve(undefined)
      await ended.promise
    },
  }
}

/** Records every status that the row or page header with this text shows from now on, without percentages. */
export async function recordStatuses(page: Page, of: string): Promise<() => Promise<string[]>> {
  return recordTexts(page, of, '.status')
}

/**
 * Records what this part of the row or page header with this text or label shows from now on, each text once until it
 * changes, `gone` where there is none. Call the answer for the list.
 */
export async function recordTexts(page: Page, of: string, part: string): Promise<() => Promise<string[]>> {
  const shown = await page.evaluateHandle(
    ([of = '', part = '']) => {
      const texts: string[] = []
      const look = () => {
        const place = [...document.querySelectorAll('tr, .page-header')].find(
          (one) => one.textContent.includes(of) || one.querySelector(`[aria-label="${of}"]`),
        )
        const text = place?.querySelector(part)?.textContent.replace(/ \d+ %$/, '') ?? 'gone'
        if (text !== texts.at(-1)) texts.push(text)
      }
      look()
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      })
      return texts
    },
    [of, part],
  )
  return () => shown.jsonValue()
}

/** What axe-core finds on the page that is serious or worse, by all its rules or by some: which rule, and where. */
export async function seriousFindings(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) {
    // By the debugger, which the page's policy does not bind.
    const debug = await page.context().newCDPSession(page)
    await debug.send('Runtime.evaluate', { expression: axe.source })
    await debug.detach()
  }
  const { violations } = await page.evaluate(
    (only) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run({
        resultTypes: ['violations'],
        ...(only && { runOnly: only }),
      }),
    rules,
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary ?? ''}`),
    )
}

/** Counts the bytes that the page receives, as they are transferred; call the answer for the sum. */
export async function countBytes(page: Page): Promise<() => number> {
  const network = await page.context().newCDPSession(page)
  let bytes = 0
  network.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await network.send('Network.enable')
  return () => bytes
}
