import { LOGS } from '../transitions/tables.ts'
import { cursorAt } from '../transitions/cursor.ts'
import type { Batch, BatchEntry } from './batch.ts'

const EVENT_END = Buffer.from('\n\n')
const EMPTY = Buffer.alloc(0)

/** One server-sent event for each answer, all in one buffer. Its id is the cursor to resume after it. */
export function eventsOf({ transitions, payloads }: Batch): Buffer {
  return Buffer.concat(
    transitions.flatMap((transition, at) => [startOf(transition), payloads[at] ?? EMPTY, EVENT_END]),
  )
}

function startOf(transition: BatchEntry): Buffer {
  const { letter } = LOGS[transition.snapshotId === undefined ? 'DISK' : 'SNAPSHOT']
  return Buffer.from(`event: next\nid: ${cursorAt(letter, transition)}\ndata: `, 'latin1')
}
