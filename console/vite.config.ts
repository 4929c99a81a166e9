import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const STYLE_SHEETS = fileURLToPath(new URL('parts/style-sheets.ts', import.meta.url))

/** The two places where Ant Design would put `<style>` elements into the page, which its policy forbids. */
const STYLE_WRITERS = /\/(?:@rc-component\/util\/es\/Dom\/dynamicCSS|@ant-design\/icons\/es\/cssUtils)\.js$/

/** Has Ant Design's styles adopted by the document as style sheets: no nonce, and nothing inline to be allowed. */
const adoptStyles: Plugin = {
  name: 'adopt-styles',
  load: (id) => (STYLE_WRITERS.test(id) ? `export * from ${JSON.stringify(STYLE_SHEETS)}` : undefined),
}

/** Where `npm start` serves the API while `npm run console` serves the sources. */
const GATEWAY = `http://localhost:${process.env.PORT ?? '4000'}`

export default defineConfig({
  plugins: [adoptStyles, react()],
  build: {
    target: 'es2023',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_500,
  },
  server: { proxy: { '/graphql': { target: GATEWAY, ws: true } } },
})
