import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { launchBrowser, NO_BROWSER } from './browser.ts'
import { openStrictly, type ConsoleTab } from './console-page.ts'

const WHY_NOT = ' (skipped: no browser; install chromium or set CHROMIUM_PATH)'

interface BrowserSuite {
  browser: () => Browser
  /** Opens a page of a gateway as `openStrictly` does. */
  open: (
    app: { url: string },
    path: string,
    expected?: RegExp[],
    options?: BrowserContextOptions,
  ) => Promise<ConsoleTab>
}

/** A suite whose tests share a browser; where there is none it is skipped, and its name says why. */
export function describeInBrowser(name: string, define: (suite: BrowserSuite) => void): void {
  describe.skipIf(NO_BROWSER)(NO_BROWSER ? name + WHY_NOT : name, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser.close())
    define({
      browser: () => browser,
      open: (app, path, expected, tabOptions) => openStrictly(browser, app.url + path, expected, tabOptions),
    })
  })
}
