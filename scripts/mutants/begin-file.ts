/** Runs before each test file while it is counted what the file reaches. */
import { expect } from 'vitest'
import { begin } from './counter.ts'

begin(expect.getState().testPath ?? '')
