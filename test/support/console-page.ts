import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

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
  // Shorter than a test's own, so that a failure names what was waited for.
  context.setDefaultTimeout(10_000)
  const requests: string[] = []
  const problems: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  context.on('requestfailed', (request) =>
    problems.push(`${request.url()}: ${request.failure()?.errorText ?? ''}`),
  )

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

/** Waits until the page says that it follows what happens. */
export async function isLive(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).waitFor()
}

/** The row of a table that has this text in it. */
export function row(page: Page, text: string) {
  return page.getByRole('row').filter({ hasText: text })
}

/** The dialog Create Snapshot. */
export function dialog(page: Page) {
  return page.getByRole('dialog', { name: 'Create Snapshot' })
}
