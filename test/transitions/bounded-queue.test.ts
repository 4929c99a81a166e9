import { expect, test } from 'vitest'
import { BoundedQueue, SlowConsumer } from '../../src/transitions/bounded-queue.ts'

/** A queue, and how often it has said that it is closed. */
function queueOf(limit: number) {
  const closed = { times: 0 }
  return { queue: new BoundedQueue<number>(limit, () => closed.times++), closed }
}

test('events come out in the order they went in, whether the consumer or the producer is first', async () => {
  const { queue } = queueOf(10)
  queue.push(1)
  queue.push(2)
  const got = [await queue.next(), await queue.next()]
  const waiting = queue.next()
  queue.push(3)
  queue.push(4)
  got.push(await waiting, await queue.next())
  expect(got).toEqual([1, 2, 3, 4].map((value) => ({ value, done: false })))
})

test('a queue holds as many events as its limit, and one more ends it with SlowConsumer and keeps nothing', async () => {
  const { queue, closed } = queueOf(3)
  for (const event of [1, 2, 3]) queue.push(event)
  expect([queue.length, closed.times]).toEqual([3, 0])

  queue.push(4)
  expect([queue.length, closed.times]).toEqual([0, 1])
  queue.push(5)

  await expect(queue.next()).rejects.toThrow(new SlowConsumer(3))
  expect(await queue.next()).toEqual({ value: undefined, done: true })
  expect([queue.length, closed.times]).toEqual([0, 1])
})

test('an event that a waiting consumer takes does not count against the limit', async () => {
  const { queue } = queueOf(1)
  const waiting = queue.next()
  queue.push(1)
  queue.push(2)
  expect([await waiting, await queue.next()]).toEqual([
    { value: 1, done: false },
    { value: 2, done: false },
  ])
})

test('what was queued before the end is delivered, then the end, for good', async () => {
  const { queue, closed } = queueOf(3)
  queue.push(1)
  queue.push(2)
  queue.end()
  queue.end()
  queue.push(3)
  const got: number[] = []
  for await (const event of queue) got.push(event)
  expect(got).toEqual([1, 2])
  expect(await queue.next()).toEqual({ value: undefined, done: true })
  expect(closed.times).toBe(1)
})

test('the end reaches a consumer that waits', async () => {
  const { queue } = queueOf(3)
  const waiting = queue.next()
  queue.end()
  expect(await waiting).toEqual({ value: undefined, done: true })
})

test('a consumer that leaves while it waits is let go at once', async () => {
  const { queue, closed } = queueOf(3)
  const waiting = queue.next()
  expect(await queue.return()).toEqual({ value: undefined, done: true })
  expect(await waiting).toEqual({ value: undefined, done: true })
  expect(closed.times).toBe(1)
})

test('a consumer that leaves takes nothing more: neither what was queued nor the error of an overflow', async () => {
  const { queue, closed } = queueOf(1)
  queue.push(1)
  queue.push(2)
  await queue.return()
  expect(await queue.next()).toEqual({ value: undefined, done: true })
  const other = queueOf(3)
  other.queue.push(1)
  await other.queue.return()
  expect([other.queue.length, closed.times, other.closed.times]).toEqual([0, 1, 1])
})
