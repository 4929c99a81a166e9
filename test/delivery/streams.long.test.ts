import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { joinWhileWriting } from '../support/watch.ts'

test('200 streams that join while a writer is at full speed each see every transition after their cursor exactly once, in order', async () => {
  await using app = await startTestApp()
  const { froms, last } = await joinWhileWriting(app, { streams: 200, burst: 5 })
  console.log(`200 streams from ${new Set(froms).size} places, ${last} transitions`)
  expect(new Set(froms).size).toBeGreaterThan(20)
})
