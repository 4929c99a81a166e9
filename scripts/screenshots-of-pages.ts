/**
 * Takes a picture of every page of the console, at three widths, in both languages and themes, into a directory:
 * test-results/pages, or the one that is named. They are for looking at, before a release and after a change of the layout.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { PATHS, type Path } from '../console/paths.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { destinationOf, connect, KEY } from '../test/support/cloud-gateway.ts'
import { openConsole } from '../test/support/console-page.ts'
import { en } from '../console/words/en.ts'
import { zh } from '../console/words/zh.ts'
import { baiduDialect } from '../test/support/fake-cloud/baidu.ts'
import { FakeCloud } from '../test/support/fake-cloud/engine.ts'
import { serve } from '../test/support/fake-cloud/server.ts'
import { startTestApp } from '../test/support/app.ts'

const WIDTHS = [390, 1024, 1440]
const LANGUAGES = [
  ['en-GB', en],
  ['zh-CN', zh],
] as const
const THEMES = ['light', 'dark'] as const

const directory = resolve(process.argv[2] ?? 'test-results/pages')
mkdirSync(directory, { recursive: true })

const clock = new FakeCloud()
await using cloud = await serve(clock, baiduDialect())
await using app = await startTestApp({ DEMO: 'true', CREDENTIALS_KEY: KEY, UPSTREAM_HOSTS: cloud.url.host })
const connectionId = await connect(app, destinationOf('baidu', cloud.url))
const created = await app.graphql(`mutation {
  createAutoSnapshotPolicy(input: { name: "nightly", timePoints: [1], repeatWeekdays: [1, 5], retentionDays: 7 }) {
    ... on CreateAutoSnapshotPolicyPayload { policy { id } }
  }
}`)
const { policy } = (created.data as { createAutoSnapshotPolicy: { policy: { id: string } } })
  .createAutoSnapshotPolicy
await app.graphql(
  `mutation ($input: LinkAutoSnapshotPolicyInput!) { linkAutoSnapshotPolicy(input: $input) { __typename } }`,
  { input: { policyId: policy.id, diskIds: ['v-ordersdb'] } },
)

/** What the id of each page of one thing is. */
const IDS: Partial<Record<Path, string>> = {
  '/disks/:id': 'v-ordersdb',
  '/policies/:id': policy.id,
  '/connections/:id': connectionId,
}

await using browser = await launchBrowser()
for (const [locale, words] of LANGUAGES)
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      const options = { locale, colorScheme, viewport: { width, height: 900 } }
      await using tab = await openConsole(browser, `${app.url}/healthz`, options)
      for (const path of PATHS) {
        const id = IDS[path]
        if (path.includes(':') && id === undefined) throw new Error(`Give an id for ${path}.`)
        await tab.page.goto(app.url + path.replace(/:\w+/, id ?? ''))
        await tab.page.getByText(words.live, { exact: true }).waitFor()
        await tab.page.waitForLoadState('networkidle')
        const name = path.slice(1).replace('/:id', '-details')
        const file = `${name}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`
        await tab.page.screenshot({ path: join(directory, file) })
      }
    }
console.log(`${PATHS.length * WIDTHS.length * LANGUAGES.length * THEMES.length} pictures in ${directory}`)
process.exit()
