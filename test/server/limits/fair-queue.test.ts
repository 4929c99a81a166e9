import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { FairQueue, type Turn } from '../../../src/server/limits/fair-queue.ts'

/** Lets the event loop come round as often as it takes to start what may be started. */
async function rounds(): Promise<void> {
  for (let i = 0; i < 50; i++) await setImmediate()
}

/** A queue whose operations say that they run, and end when they are told. */
function operations() {
  const queue = new FairQueue()
  const running: { name: string; turn: Turn }[] = []
  return {
    queue,
    running,
    names: () => running.map(({ name }) => name),
    ask: (name: string, connection: object, account = 'acc-1'): void => {
      void queue.enter(account, connection).then((turn) => running.push({ name, turn }))
    },
    end: async (): Promise<string | undefined> => {
      const first = running.shift()
      first?.turn.executed()
      first?.turn.answered()
      await rounds()
      return first?.name
    },
  }
}

const many = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${index}`)

test('a connection has four operations executed at once, in their order', async () => {
  const { ask, names, end } = operations()
  const one = {}
  for (const name of many('a', 6)) ask(name, one)
  await rounds()

  expect(names()).toEqual(['a0', 'a1', 'a2', 'a3'])
  await end()
  expect(names()).toEqual(['a1', 'a2', 'a3', 'a4'])
})

test('who comes behind a flood of others waits for one of each of them, not for all', async () => {
  const { ask, names, end } = operations()
  const flooding = many('flood', 10).map((name) => ({ name, connection: {} }))
  for (const { name, connection } of flooding) for (const each of many(`${name}-`, 100)) ask(each, connection)
  await rounds()
  expect(names()).toHaveLength(12)

  ask('mine', {})
  const ended: (string | undefined)[] = []
  while (!names().includes('mine')) ended.push(await end())

  expect(ended.length).toBeLessThanOrEqual(12 + flooding.length)
})

test('accounts take turns, however many connections each has', async () => {
  const { ask, names, end } = operations()
  for (const name of many('flood', 200)) ask(name, {}, 'acc-1')
  await rounds()

  ask('mine', {}, 'acc-2')
  await end()
  await end()

  expect(names()).toContain('mine')
})

test('accounts that share a connection, behind a proxy, take turns as others do', async () => {
  const { ask, names, end } = operations()
  const proxy = {}
  for (const name of many('flood', 50)) ask(name, proxy, 'acc-1')
  await rounds()

  ask('mine', proxy, 'acc-2')
  await rounds()
  await end()
  await end()

  expect(names()).toContain('mine')
})

test('a connection that does not take its answers has four made, and no more', async () => {
  const { ask, names, running } = operations()
  const one = {}
  for (const name of many('a', 10)) ask(name, one)
  await rounds()

  for (const { turn } of running) turn.executed()
  await rounds()
  expect(names()).toHaveLength(4)

  running[0]?.turn.answered()
  running[0]?.turn.answered()
  await rounds()
  expect(names()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'])
})

test('operations that take long, as they wait for something else, hold nobody up', async () => {
  const { ask, names } = operations()
  for (const name of many('slow', 16)) ask(name, {})
  await rounds()

  ask('mine', {})

  await vi.waitFor(() => expect(names()).toContain('mine'))
})

test('while others ask too, an account has two operations executed at once', async () => {
  const { ask, names, end } = operations()
  ask('mine', {}, 'acc-2')
  await rounds()
  await end()
  for (const name of many('flood', 10)) ask(name, {}, 'acc-1')
  await rounds()

  expect(names()).toEqual(['flood0', 'flood1'])
})

test('an account whose operation held up the event loop waits before its next, while others ask too', async () => {
  const { ask, names, end } = operations()
  ask('mine', {}, 'acc-2')
  await rounds()
  await end()
  const connection = {}
  ask('long', connection, 'acc-1')
  // What it does before the loop comes round.
  const until = performance.now() + 30
  while (performance.now() < until);
  await rounds()
  await end()
  ask('next', connection, 'acc-1')
  await rounds()
  ask('mine again', {}, 'acc-2')
  await rounds()

  expect(names()).toEqual(['mine again'])
  await vi.waitFor(() => expect(names()).toEqual(['mine again', 'next']))
})

test('an account does not wait for what others did in the same round of the event loop, such as a commit', async () => {
  const { ask, names, end } = operations()
  ask('flood', {}, 'acc-2')
  await rounds()
  await end()
  const connection = {}
  const holding = new Promise<void>((resolve) => {
    globalThis.setImmediate(() => {
      const until = performance.now() + 30
      while (performance.now() < until);
      resolve()
    })
  })
  ask('first', connection, 'acc-1')
  await holding
  await rounds()
  expect(await end()).toBe('first')
  ask('second', connection, 'acc-1')
  await rounds()

  expect(names()).toEqual(['second'])
})

test('an account whose messages held up the event loop waits before its next operation, while others ask too', async () => {
  const { queue, ask, names, end } = operations()
  ask('mine', {}, 'acc-2')
  await rounds()
  await end()
  // Each is short; together they are not.
  for (let message = 0; message < 10; message++) queue.hold('acc-1', 3)
  ask('next', {}, 'acc-1')
  await rounds()
  ask('mine again', {}, 'acc-2')
  await rounds()

  expect(names()).toEqual(['mine again'])
  await vi.waitFor(() => expect(names()).toEqual(['mine again', 'next']))
})
