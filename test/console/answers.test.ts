import type { Operation, OperationResult } from 'urql'
import { expect, test } from 'vitest'
import type { LiveTransition } from '../../console/api/transitions.ts'
import { createAnswers } from '../../console/live/answers.ts'

const operation = (key: number, kind: Operation['kind']) => ({ key, kind }) as Operation

const answerTo = (asked: Operation, data: unknown) =>
  ({ operation: asked, data, stale: false, hasNext: false }) as OperationResult

const disk = (status: string, name = 'data-1') => ({ __typename: 'Disk', id: 'v-1', status, name })

function hear(answers: ReturnType<typeof createAnswers>, status: string): void {
  const transition = { __typename: 'DiskTransition', diskId: 'v-1', to: status, disk: disk(status) }
  answers.hear(transition as unknown as LiveTransition, answerTo(operation(9, 'subscription'), undefined))
}

test('the answer to a change that arrives after a later transition does not undo it in a read on its way', () => {
  const answers = createAnswers()
  const [change, read] = [operation(1, 'mutation'), operation(2, 'query')]
  answers.ask(change, true)
  hear(answers, 'ROLLING_BACK')
  hear(answers, 'UNMOUNTED')
  // Read because of the second transition, and answered, but not here yet.
  answers.ask(read, true)
  const changed = answers.settle(answerTo(change, { rollBackDisk: { disk: disk('ROLLING_BACK') } }))
  expect(changed?.results.map(({ data }) => data as unknown)).toEqual([
    { rollBackDisk: { disk: disk('UNMOUNTED') } },
  ])
  const result = answers.settle(answerTo(read, { disk: disk('UNMOUNTED') }))
  expect(result?.results.map(({ data }) => data as unknown)).toEqual([{ disk: disk('UNMOUNTED') }])
})

test('a read that was answered before a change and arrives after it shows what was changed', () => {
  const answers = createAnswers()
  const [change, read] = [operation(1, 'mutation'), operation(2, 'query')]
  answers.ask(read, true)
  answers.ask(change, true)
  answers.settle(answerTo(change, { updateDisk: { disk: disk('UNMOUNTED', 'renamed') } }))
  const result = answers.settle(answerTo(read, { disk: disk('UNMOUNTED') }))
  expect(result?.results.map(({ data }) => data as unknown)).toEqual([{ disk: disk('UNMOUNTED', 'renamed') }])
})
