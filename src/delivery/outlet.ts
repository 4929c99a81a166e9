import type { Batch } from './batch.ts'

/** The subscriber's end of a connection, as a stream uses it. */
export interface Outlet {
  /** Makes the frames of a batch, which are kept with the batch. */
  form(batch: Batch): unknown
  /** Writes a batch at once; false, with nothing written, when more than the buffer holds would wait. */
  send(batch: Batch): boolean
  /** Writes a batch, however much waits; resolves when all of that is on its way, or never will be. */
  sendAtLeisure(batch: Batch): Promise<void>
  /** How full the buffer is, from 0 to 1. */
  readonly fill: number
  /** The stream has ended because its client does not read: closes the connection if it goes on not reading. */
  cutIfStalled(): void
}
