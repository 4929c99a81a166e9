import type { Batch } from './batch.ts'
import type { Member } from './member.ts'
import type { Outlet } from './outlet.ts'
import { SlowConsumer } from './slow-consumer.ts'
import type { Traffic } from './traffic.ts'

/** Makes a stream a member; returns how it leaves. */
type Begin = () => () => void

/**
 * A subscription as a member of its group. Its answers bypass the transport and go straight to the outlet; `run` only says
 * how the stream has ended.
 */
export class LiveStream implements Member {
  seen = 0
  /** How many events it was sent. */
  events = 0
  readonly #outlet: Outlet
  readonly #bufferEvents: number
  readonly #traffic: Traffic
  #begin: Begin | undefined
  #ended: PromiseWithResolvers<undefined> | undefined
  #leave: (() => void) | undefined
  #left = false

  constructor(outlet: Outlet, bufferEvents: number, traffic: Traffic) {
    this.#outlet = outlet
    this.#bufferEvents = bufferEvents
    this.#traffic = traffic
  }

  /** Says how it becomes a member, once its transport is ready for answers. */
  prepare(begin: Begin): void {
    this.#begin = begin
  }

  /** Whether it is for a group to serve, and has not begun. */
  get isPrepared(): boolean {
    return this.#begin !== undefined
  }

  /** Begins. Resolves with the end of the stream, rejects with its failure. */
  run(): Promise<undefined> {
    const begin = this.#begin
    const ended = (this.#ended = Promise.withResolvers<undefined>())
    this.#begin = undefined
    if (this.#left) ended.resolve(undefined)
    else this.#leave = begin?.()
    return ended.promise
  }

  /** The subscriber leaves. */
  leave(): void {
    this.#left = true
    this.complete()
  }

  /** How full the buffer of its connection is, from 0 to 1. */
  get fill(): number {
    return this.#outlet.fill
  }

  async replay(batch: Batch): Promise<void> {
    this.events += batch.payloads.length
    this.#traffic.replayed += batch.payloads.length
    return this.#outlet.sendAtLeisure(batch)
  }

  form(batch: Batch): void {
    this.#outlet.form(batch)
  }

  deliver(batch: Batch): void {
    const { length } = batch.payloads
    if (this.#outlet.send(batch)) {
      this.events += length
      this.#traffic.sent += length
      return
    }
    this.#traffic.dropped += length
    this.#traffic.slowConsumers++
    this.fail(new SlowConsumer(this.#bufferEvents))
    this.#outlet.cutIfStalled()
  }

  complete(): void {
    this.#leave?.()
    this.#ended?.resolve(undefined)
  }

  fail(error: unknown): void {
    this.#leave?.()
    this.#ended?.reject(error)
  }
}
