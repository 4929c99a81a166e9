import { execute, parse, validate, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { storedProjectionOf } from '../../src/server/live/stored-projection.ts'
import type { Transition } from '../../src/transitions/transition.ts'
import { startTestApp } from '../support/app.ts'
import { chance } from '../support/random.ts'
import { randomRequests } from '../support/random-requests.ts'
import { announce, subscriber } from '../support/subscribers.ts'

const contextValue = { gateway: { transitions: { cursor: ({ sequence }: Transition) => `log.${sequence}` } } }

const ROW: Transition = {
  position: 12,
  sequence: 7,
  tag: 'tag',
  accountId: 'acc-00000001',
  snapshotId: 's-00000001',
  snapshotName: 'snapshot-1',
  snapshotType: 'MANUAL',
  snapshotTags: null,
  diskId: 'v-00000001',
  from: null,
  to: 'CREATING',
  reason: null,
  actor: null,
  at: new Date('2026-03-01T12:34:56.789Z'),
  upstreamAt: null,
}

/** Rows with everything that JSON and GraphQL could write in more than one way. */
const ROWS: Transition[] = [
  ROW,
  {
    ...ROW,
    from: 'CREATING',
    to: 'FAILED',
    reason: 'It was "written to" \\ \n\t\u0000\u2028 ü 😀 \ud800 end.',
  },
  { ...ROW, sequence: Number.MAX_SAFE_INTEGER, from: 'DELETING', to: 'DELETED', reason: '' },
  { ...ROW, at: new Date(0), snapshotId: '<script>&amp;' },
]

/** Selections of stored values, with the variables that they are asked for with. */
const STORED: [string, object?][] = [
  ['{ sequence cursor snapshotId diskId from to reason at }'],
  ['{ at reason to from diskId snapshotId cursor sequence __typename }'],
  ['{ a: sequence b: sequence sequence sequence c: to kind: __typename }'],
  ['{ __proto__: sequence constructor: to toString: reason }'],
  ['{ ...A ...A sequence ... on SnapshotTransition { to } ... { from } }'],
  ['{ sequence @include(if: $yes) to @skip(if: $yes) reason @include(if: $no) ...A @skip(if: $no) }'],
  ['{ sequence @include(if: $yes) to @skip(if: $yes) }', { yes: false }],
  ['{ sequence to @skip(if: true) ... @include(if: false) { from } }'],
  ['{ to @include(if: $no) }'],
  ['{ ... @skip(if: $yes) { to } ...A @include(if: $no) }'],
]
const document = (selection: string, root = 'snapshotTransitions') => {
  const fragment = selection.includes('...A') ? 'fragment A on SnapshotTransition { reason from }' : ''
  const used = ['yes', 'no'].filter((name) => selection.includes(`$${name}`))
  const variables = used.map((name) => `$${name}: Boolean! = ${name === 'yes'}`).join()
  return `subscription ${variables && `(${variables})`} { ${root} ${selection} } ${fragment}`
}

function argsOf(text: string, variableValues: object = {}): ExecutionArgs {
  const args = { schema, document: parse(text), variableValues: { ...variableValues }, contextValue }
  expect(validate(schema, args.document)).toEqual([])
  return args
}

test.each(STORED)('%s is projected to the very bytes that graphql-js answers', (selection, variables) => {
  for (const root of ['snapshotTransitions', 'all: snapshotTransitions']) {
    const args = argsOf(document(selection, root), variables)
    const project = storedProjectionOf(args)
    for (const rootValue of ROWS) {
      const executed = execute({ ...args, rootValue }) as ExecutionResult
      expect(executed.errors).toBeUndefined()
      expect(project?.(rootValue)?.toString()).toBe(JSON.stringify(executed))
    }
  }
})

test('random selections of stored values are projected to the very bytes that graphql-js answers', () => {
  const seed = Date.now() % 1_000_000
  const { nextSubscription } = randomRequests(schema, chance(seed), ['s-00000001', 'v-00000001'])
  let projected = 0
  for (let i = 0; i < 3_000; i++) {
    const { document, variables } = nextSubscription('snapshotTransitions')
    const args = {
      schema,
      document: parse(document),
      variableValues: JSON.parse(variables) as Record<string, unknown>,
      contextValue,
    }
    if (validate(schema, args.document).length > 0) continue
    const project = storedProjectionOf(args)
    if (!project) continue
    projected++
    for (const rootValue of ROWS) {
      const executed = execute({ ...args, rootValue }) as ExecutionResult
      expect(project(rootValue)?.toString(), `seed ${seed}: ${document} ${variables}`).toBe(
        JSON.stringify(executed),
      )
    }
  }
  expect(projected, `seed ${seed}`).toBeGreaterThan(500)
})

test.each([
  ['what holds now', document('{ sequence snapshot { status } }')],
  ['another subscription', 'subscription { snapshotProgress(id: "s-00000001") { percent } }'],
  ['a query', '{ snapshot(id: "s-00000001") { name } }'],
])('%s is not projected', (_what, text) => {
  expect(storedProjectionOf(argsOf(text))).toBeUndefined()
})

test('variables that cannot be read are left to an execution', () => {
  const text = document('{ sequence @include(if: $yes) }')
  expect(storedProjectionOf(argsOf(text, { yes: 'maybe' }))).toBeUndefined()
})

test.each([
  ['null where there must be something', { sequence: null }],
  ['a status that the schema does not know', { to: 'NOWHERE' }],
  ['what is no number', { sequence: 'many' }],
  ['an error in place of a value', { reason: new Error('no') }],
  ['a value that is still to come', { reason: Promise.resolve('later') }],
])('%s is left to an execution', (_what, wrong) => {
  const project = storedProjectionOf(argsOf(document('{ sequence to reason }')))
  expect(project?.(ROW)).toBeDefined()
  expect(project?.({ ...ROW, ...wrong })).toBeUndefined()
})

test('an error in a value that is stored is told as after any execution: its path, a code, a request id', async () => {
  await using app = await startTestApp()
  const one = subscriber(app, 'WebSocket', 'subscription { snapshotTransitions { sequence to } }')
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  await announce(app, 1)
  await app.db.$executeRaw`UPDATE "SnapshotTransition" SET "to" = 'NOWHERE'`
  await app.db
    .$executeRaw`INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "diskId", "to", "at") SELECT "accountId", "sequence" + 1, "tag", "snapshotId", "diskId", "to", "at" FROM "SnapshotTransition"`
  app.hub.wake()

  await expect
    .poll(() => one.answers.at(-1))
    .toMatchObject({
      data: null,
      errors: [
        {
          path: ['snapshotTransitions', 'to'],
          extensions: { code: expect.any(String), requestId: expect.any(String) },
        },
      ],
    })
  one.vanish()
})
