import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isOpenOnlyHere } from '../../../src/providers/local/system-calls.ts'
import { HOLD_OPEN, makeWorld, startOther } from './world.ts'

const isLinux = process.platform === 'linux'

test.skipIf(!isLinux)(
  'the kernel says whether anybody else has a file open, this process included',
  async () => {
    await using world = await makeWorld()
    const location = await world.image('a.img', 5000)
    await using file = await open(location)
    expect(isOpenOnlyHere(file.fd)).toBe(true)
    {
      await using _again = await open(location)
      expect(isOpenOnlyHere(file.fd)).toBe(false)
    }
    const other = await startOther(HOLD_OPEN, location)
    expect(isOpenOnlyHere(file.fd)).toBe(false)
    await other.end()
    expect(isOpenOnlyHere(file.fd)).toBe(true)
  },
)

test.skipIf(!isLinux)(
  'who opens the file at that very moment gets it, and no signal ends the process',
  async () => {
    await using world = await makeWorld()
    const location = await world.image('a.img', 5000)
    await using file = await open(location)
    const opener = spawn(
      process.execPath,
      [
        '-e',
        `const fs = require('node:fs'); for (let i = 0; i < 20000; i++) fs.closeSync(fs.openSync(process.argv[1]))`,
        location,
      ],
      { stdio: 'ignore' },
    )
    const ended = once(opener, 'exit')
    let said = 0
    while (opener.exitCode === null && opener.signalCode === null) {
      for (let i = 0; i < 1_000; i++) if (isOpenOnlyHere(file.fd)) said++
      await new Promise(setImmediate)
    }
    expect(await ended).toEqual([0, null])
    expect(said).toBeGreaterThan(0)
  },
)
