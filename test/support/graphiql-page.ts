import type { Browser } from 'playwright-core'

/** Something to run in GraphiQL, and what its result pane shows in the end. */
export interface Run {
  /** The tab's name, which is its operation's. */
  tab: string
  /** What the tab holds, to know when GraphiQL has taken it in. */
  document: string
  /** Typed over the prepared variables. */
  variables?: Record<string, unknown>
  shows: string
}

/**
 * Opens GraphiQL at `url` as a newcomer with a fresh profile would, and watches what the page does.
 * `requests` and `sockets` are the addresses it called, `sent` and `received` the WebSocket messages and `problems` everything
 * that went wrong: errors in the console, which breaches of the content security policy are too, and failed requests.
 */
export async function openGraphiql(browser: Browser, url: string) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 800 } })
  // Shorter than a test's own, so that a failure names what was waited for.
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const requests: string[] = []
  const sockets: string[] = []
  const sent: unknown[] = []
  const received: unknown[] = []
  const problems: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  context.on('requestfailed', (request) =>
    problems.push(`${request.url()}: ${request.failure()?.errorText ?? ''}`),
  )
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('websocket', (socket) => {
    sockets.push(socket.url())
    socket.on('framesent', ({ payload }) => sent.push(JSON.parse(payload.toString())))
    socket.on('framereceived', ({ payload }) => received.push(JSON.parse(payload.toString())))
  })
  await page.goto(url)
  const play = page.getByRole('button', { name: /Execute query/ })
  await play.waitFor()

  /** Replaces what is in one of the two editors below the query. */
  async function type(editor: 'variables' | 'request-headers', text: string): Promise<void> {
    await page.locator(`.monaco-editor[data-uri$="${editor}.json"]`).click()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.insertText(text)
    // The editor has closed the first bracket behind the cursor by itself.
    await page.keyboard.press('ControlOrMeta+Shift+End')
    await page.keyboard.press('Delete')
  }

  /** Waits until the result pane shows this text. */
  async function resultShows(text: string): Promise<void> {
    await page.locator('.result-window').getByText(text).waitFor()
  }

  async function openTab({ tab, document }: Pick<Run, 'tab' | 'document'>): Promise<void> {
    const name = page.getByRole('button', { name: tab, exact: true })
    if (await page.getByRole('tab', { selected: true }).filter({ has: name }).isVisible()) return
    // By keyboard: with the mouse a tab can be dragged too, and a click right after loading may be taken for that.
    await name.press('Enter')
    // GraphiQL notes the new document a moment after it shows it, and until then it would run the one before.
    await page.waitForFunction((query) => localStorage.getItem('graphiql:query') === query, document)
  }

  return {
    page,
    requests,
    sockets,
    sent,
    received,
    problems,

    /** The names of the open tabs. */
    tabs: () => page.getByRole('tab').allInnerTexts(),

    openTab,

    async run({ tab, document, variables, shows }: Run): Promise<void> {
      await openTab({ tab, document })
      if (variables) await type('variables', JSON.stringify(variables))
      await play.click()
      await resultShows(shows)
    },

    resultShows,

    /** Gives the current tab request headers, and waits until GraphiQL has stored them. */
    async setHeaders(headers: Record<string, string>): Promise<void> {
      const text = JSON.stringify(headers)
      await page.getByRole('button', { name: 'Headers' }).click()
      await type('request-headers', text)
      await page.waitForFunction(
        (expected) => localStorage.getItem('graphiql:tabState')?.includes(JSON.stringify(expected)),
        text,
      )
    },

    /** What the documentation explorer says of a type that an operation starts from. */
    async readDocumentation(type: string): Promise<string> {
      await page.getByRole('button', { name: /Documentation Explorer/ }).click()
      const explorer = page.locator('.graphiql-doc-explorer')
      await explorer.getByRole('link', { name: type, exact: true }).click()
      await explorer.locator('.graphiql-doc-explorer-title', { hasText: type }).waitFor()
      return explorer.innerText()
    },

    [Symbol.asyncDispose]: () => context.close(),
  }
}
