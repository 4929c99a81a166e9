import { defineConfig } from 'vitest/config'

/** The reports that CI counts. */
export function reporters(name: string) {
  return process.env.CI
    ? ['default', ['json', { outputFile: `test-results/${name}.json` }] as const]
    : ['default']
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    reporters: reporters('test'),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
