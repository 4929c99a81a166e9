import { ENVIRONMENT } from '../../../src/config.ts'
import { Observer } from '../../../src/observability/observer.ts'
import { OperationLog } from '../../../src/observability/operation-log.ts'

/** What is done for each operation besides its answer. */
export const OBSERVED = ['nothing', 'metrics', 'the defaults', 'metrics and every line'] as const
export type Observed = (typeof OBSERVED)[number]

/** How many operations there are for each one that is logged by default. */
const EACH = Math.round(100 / ENVIRONMENT.parse({}).LOG_OPERATIONS_PERCENT)
let count = 0
let observed: Observed = 'metrics and every line'

/** From now on this is done. */
export function observe(what: Observed): void {
  observed = what
}

/**
 * Makes that possible in this process, before the gateway is started: two processes differ by more than what is measured, in
 * the places of their memory and in what was compiled when.
 */
export function prepareToObserve(): void {
  const [observer, log] = [Observer.prototype, OperationLog.prototype]
  // Not bound: each is called on the object that it was asked of.
  const ended: unknown = Reflect.get(observer, 'ended')
  const add: unknown = Reflect.get(log, 'add')
  observer.ended = function (...args) {
    if (observed !== 'nothing') Reflect.apply(ended as Observer['ended'], this, args)
  }
  log.add = function (...args) {
    if (observed === 'metrics' || observed === 'nothing') return
    if (observed === 'metrics and every line' || count++ % EACH === 0)
      Reflect.apply(add as OperationLog['add'], this, args)
  }
}
