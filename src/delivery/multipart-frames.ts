import type { Batch } from './batch.ts'

/** Around the JSON of a part; the boundary after it says that it is whole. */
export const PART_START = '\r\ncontent-type: application/json\r\n\r\n'
export const PART_END = '\r\n--graphql'

const START = Buffer.from(`${PART_START}{"payload":`)
const END = Buffer.from(`}${PART_END}`)

/** One part of a multipart answer for each result, all in one buffer. */
export function partsOf({ payloads }: Batch): Buffer {
  return Buffer.concat(payloads.flatMap((payload) => [START, payload, END]))
}
