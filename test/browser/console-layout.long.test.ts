import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { describeInBrowser } from '../support/browser-suite.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'

const LONG = 'a-name-of-65-characters-as-long-as-names-may-be-and-without-space'

/** A world with long names, wide values and long lists. */
async function wideWorld(app: TestApp): Promise<{ disk: string; batch: string[] }> {
  const disk = await app.disk({ name: LONG, attachedTo: 'i-1234567890abcdef' })
  await app.heldSnapshots(disk, 120)
  await app.db.snapshot.updateMany({
    data: { completedAt: new Date('2026-11-27T11:59:59Z'), dataBytes: 1_098_765_432_100n },
  })
  await policyOf(app, { ...EVERY_NIGHT, name: LONG, timeZone: 'Asia/Shanghai' }, disk)
  const batch: string[] = []
  for (let i = 0; i < 30; i++) batch.push((await app.disk({ name: `disk-${i}`, dataMiB: 0 })).id)
  return { disk: disk.id, batch }
}

/** What is wrong with where things are on the page: what lies over another, is wrapped, or sticks out of the window. */
function faultsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = []
    const textOf = (element: Element) => element.textContent.trim().slice(0, 40)
    const isShown = (box: DOMRect) => box.width > 1 && box.height > 1
    function checkApart(what: string, elements: Element[]): void {
      const boxes = elements.map((element) => ({ element, box: element.getBoundingClientRect() }))
      const shown = boxes.filter(({ box }) => isShown(box))
      for (const [index, one] of shown.entries()) {
        for (const other of shown.slice(index + 1)) {
          const width = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left)
          const height = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top)
          if (width > 1 && height > 1)
            faults.push(`${what}: “${textOf(one.element)}” lies over “${textOf(other.element)}”`)
        }
      }
    }
    for (const line of document.querySelectorAll('main :is(tr, .row-card, .row-card-head, .row-card dl)'))
      checkApart('row', [...line.children])
    const bar = document.querySelector('.bar')
    checkApart('bar', [...(bar?.children ?? [])])
    checkApart('frame', [...document.querySelectorAll('.bar, .side, main .page-header, main .toolbar')])
    // What a cell holds stays in the cell, unless it may be scrolled or cut off.
    for (const cell of document.querySelectorAll('main :is(th, td, dt, dd, .row-card-name)')) {
      if (cell.scrollWidth > cell.clientWidth + 1)
        faults.push(`cell: “${textOf(cell)}” is ${cell.scrollWidth} wide in ${cell.clientWidth}`)
    }
    for (const cell of document.querySelectorAll('main .ant-table-cell')) {
      if (getComputedStyle(cell).position === 'sticky') faults.push(`sticky: “${textOf(cell)}”`)
    }
    for (const time of document.querySelectorAll('time')) {
      for (const node of [time, ...time.children].flatMap((element) => [...element.childNodes])) {
        if (node.nodeType !== Node.TEXT_NODE) continue
        const range = document.createRange()
        range.selectNodeContents(node)
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
        if (lines.size > 1) faults.push(`wrapped: “${time.textContent}”`)
      }
    }
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) faults.push(`page: ${scrollWidth} wide in ${clientWidth}`)
    for (const footer of document.querySelectorAll('.page > .list-footer, .ant-modal-footer')) {
      const { top, bottom } = footer.getBoundingClientRect()
      if (top < 0 || bottom > innerHeight + 1)
        faults.push(`footer: from ${top} to ${bottom} of ${innerHeight}`)
    }
    return [...new Set(faults)]
  })
}

describeInBrowser('the layout of the console', ({ open }) => {
  test.each([
    [390, 844, 'en-GB'],
    [390, 844, 'zh-CN'],
    [1024, 768, 'en-GB'],
    [1024, 768, 'zh-CN'],
    [1440, 900, 'en-GB'],
    [1440, 900, 'zh-CN'],
  ])(
    'at %i × %i in %s nothing lies over another, no date wraps, and footers are in view',
    async (width, height, locale) => {
      await using app = await startTestApp()
      const { disk, batch } = await wideWorld(app)
      await using tab = await open(app, '/healthz', [/404/], {
        viewport: { width, height },
        locale,
        timezoneId: 'Asia/Shanghai',
      })
      const { page } = tab
      for (const [path, shows] of [
        ['/disks?size=100', page.locator(':is(tbody tr, .row-card)').nth(30)],
        ['/snapshots?size=100', page.locator(':is(tbody tr, .row-card)').nth(99)],
        ['/policies', page.locator(':is(tbody tr, .row-card)').first()],
        [`/disks/${disk}?size=100`, page.locator(':is(tbody tr, .row-card)').nth(99)],
        [`/disks?create=${batch.join(',')}`, page.getByRole('dialog').locator('.batch input').nth(29)],
      ] as const) {
        await page.goto(app.url + path)
        await shows.waitFor({ state: 'attached', timeout: 40_000 })
        expect([path, await faultsOf(page)]).toEqual([path, []])
      }
    },
  )
})
