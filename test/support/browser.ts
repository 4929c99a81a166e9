import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

/** The first Chromium or Chrome of this computer; `CHROMIUM_PATH` goes before all others. */
const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path && existsSync(path))

/** Whether browser tests are to be skipped: never in CI, where a missing browser is a failure. */
export const NO_BROWSER = !CHROMIUM && process.env.CI !== 'true'

/** A headless browser with a fresh profile, which makes no request of its own. */
export async function launchBrowser(): Promise<Browser> {
  if (!CHROMIUM) throw new Error('No browser found: install chromium, or set CHROMIUM_PATH.')
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
