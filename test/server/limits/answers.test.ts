import { expect, test } from 'vitest'
import { isLargerThan } from '../../../src/server/answer-size.ts'
import { startTestApp } from '../../support/app.ts'

const LIST = '{ disks { nodes { description } } }'

test.each(['HTTP', 'WebSocket'])(
  'the bytes of an answer over %s are limited, asked for once or again',
  async (transport) => {
    await using app = await startTestApp({ MAX_ANSWER_BYTES: '1500' })
    const { id } = await app.disk()
    await using socket = app.webSocket()
    const ask = async () =>
      transport === 'HTTP' ? app.graphql(LIST) : (await Array.fromAsync(socket.iterate({ query: LIST })))[0]
    // With what stands around it, 1,500 and 1,502 bytes. Each character has two, or is escaped with six.
    const rest = 1_500 - JSON.stringify({ disks: { nodes: [{ description: '' }] } }).length
    const fits = '\u0001'.repeat(100) + 'é'.repeat((rest - 600) / 2)
    const outcomes: unknown[] = []

    for (const description of [fits, `${fits}é`]) {
      await app.db.disk.update({ where: { id }, data: { description } })
      for (let i = 0; i < 3; i++) {
        const { data, errors } = (await ask()) ?? {}
        outcomes.push(errors?.[0]?.extensions?.code ?? data)
      }
    }

    const answer = { disks: { nodes: [{ description: fits }] } }
    expect(outcomes).toEqual([...Array(3).fill(answer), ...Array(3).fill('ANSWER_TOO_LARGE')])
  },
)

test('an answer that is too large says that changes were made, unless none were', async () => {
  await using app = await startTestApp({ MAX_ANSWER_BYTES: '1024' })
  const disk = await app.disk()
  await using socket = app.webSocket()
  const many = Array.from({ length: 20 }, (_, index) => `a${index}: description`).join(' ')
  const description = 'd'.repeat(100)
  const create = `mutation ($i: CreateSnapshotInput!) {
    createSnapshot(input: $i) { ... on CreateSnapshotPayload { snapshot { ${many} } } } }`
  const messages: (string | undefined)[] = []

  for (const name of ['first', 'second']) {
    const { errors } = await app.graphql(create, { i: { diskId: disk.id, name, description } })
    messages.push(errors?.[0]?.message)
    await app.runner.tick()
  }
  const list = `{ snapshots { nodes { ${many} } } }`
  messages.push((await app.graphql(list)).errors?.[0]?.message)
  for await (const { errors } of socket.iterate({ query: list })) messages.push(errors?.[0]?.message)

  const read = 'The answer is larger than 1024 bytes. Request smaller pages or fewer fields.'
  expect(messages).toEqual([`${read} Changes were made.`, `${read} Changes were made.`, read, read])
  expect(await app.db.snapshot.count()).toBe(2)
})

test('an event that is larger than the buffer of a stream is told of by an error, and the stream goes on', async () => {
  await using app = await startTestApp({ STREAM_BUFFER_BYTES: '16384' })
  const disk = await app.disk()
  const selected = Array.from({ length: 20 }, (_, index) => `a${index}: description`).join(' ')
  await using socket = app.webSocket()
  const create = (name: string, description: string) => app.snapshot(disk, { name, description })

  const after: unknown = (await app.graphql('{ disks { streamCursor } }')).data.disks.streamCursor
  await create('large', 'd'.repeat(1_000))
  await app.runner.tick()
  await create('small', 'd')
  const events = socket.iterate({
    query: `subscription ($after: String) { snapshotTransitions(after: $after) { to snapshot { name ${selected} } } }`,
    variables: { after },
  })
  const seen: unknown[] = []
  for await (const { data, errors } of events) {
    const transition = data?.snapshotTransitions as { snapshot: { name: string } } | undefined
    seen.push(errors?.[0]?.message ?? transition?.snapshot.name)
    if (seen.length === 3) break
  }

  const tooLarge = 'The answer is larger than 16384 bytes. Request smaller pages or fewer fields.'
  expect(seen).toEqual([tooLarge, tooLarge, 'small'])
})

test.each<[unknown, number, boolean]>([
  ['a', 3, false],
  ['a', 2, true],
  ['\u0001', 8, false],
  ['\u0001', 7, true],
  [null, 4, false],
  [null, 3, true],
  [[], 2, false],
  [{ a: [1, 2, { b: 'é' }] }, 22, false],
  [{ a: [1, 2, { b: 'é' }] }, 21, true],
])('%j is larger than %d bytes: %s', (value, bytes, isLarger) => {
  expect(isLargerThan(value, bytes)).toBe(isLarger)
})
