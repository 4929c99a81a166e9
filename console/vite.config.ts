import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, type Rolldown } from 'vite'

const STYLE_SHEETS = fileURLToPath(new URL('widgets/style-sheets.ts', import.meta.url))

/** The two places where Ant Design would put `<style>` elements into the page, which its policy forbids. */
const STYLE_WRITERS = /\/(?:@rc-component\/util\/es\/Dom\/dynamicCSS|@ant-design\/icons\/es\/cssUtils)\.js$/

/** Has Ant Design's styles adopted by the document as style sheets: no nonce, and nothing inline to be allowed. */
const adoptStyles: Plugin = {
  name: 'adopt-styles',
  load: (id) => (STYLE_WRITERS.test(id) ? `export * from ${JSON.stringify(STYLE_SHEETS)}` : undefined),
}

/** What Ant Design's tables bring that no list here has, by their files, and what stands in for each. */
const UNUSED: readonly [file: RegExp, instead: string][] = [
  // A tree and a form to filter a column by.
  [
    /\/antd\/es\/table\/hooks\/useFilter\/FilterDropdown\.js$/,
    'export default function FilterDropdown() { return null }\nexport const flattenKeys = () => []',
  ],
  // Pages are the gateway's.
  [/\/antd\/es\/pagination\/index\.js$/, 'export default function Pagination() { return null }'],
]

/** Leaves out of the first visit what is never shown. */
const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  load: (id) => UNUSED.find(([file]) => file.test(id))?.[1],
}

/** Has the browser fetch with the document what every page of the console imports, not once the script asks for it. */
const preloadShared: Plugin = {
  name: 'preload-shared',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle = {} }) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const pages = chunks.filter(({ facadeModuleId }) => PAGE.test(facadeModuleId ?? ''))
      const [first = new Set<string>(), ...others] = pages.map((page) => importsOf(page, chunks))
      return [...first]
        .filter((file) => others.every((files) => files.has(file)) && !html.includes(file))
        .map((file) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
          injectTo: 'head',
        }))
    },
  },
}

/** The pages of those who are signed in. */
const PAGE = /\/pages\/(?!sign-in)[^/]+$/

/** The files that a chunk imports, those that they import included. */
function importsOf(chunk: Rolldown.OutputChunk, chunks: readonly Rolldown.OutputChunk[]): Set<string> {
  const found = new Set<string>()
  const add = ({ imports }: Rolldown.OutputChunk) => {
    for (const file of imports.filter((file) => !found.has(file))) {
      found.add(file)
      const next = chunks.find(({ fileName }) => fileName === file)
      if (next) add(next)
    }
  }
  add(chunk)
  return found
}

/** Where `npm start` serves the API while `npm run console` serves the sources. */
const GATEWAY = `http://localhost:${process.env.PORT ?? '4000'}`

export default defineConfig({
  plugins: [adoptStyles, leaveOutUnused, preloadShared, react()],
  build: {
    target: 'es2023',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_500,
    // What every page shares in one file: many small ones are compressed worse.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 8 }] } } },
  },
  server: { proxy: { '/graphql': { target: GATEWAY, ws: true } } },
})
