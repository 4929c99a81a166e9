import type { CopyOutcome, CopyRequest, DiskProvider } from '../../src/providers/provider.ts'

/** A copy that was asked for and has not ended: the test says how it goes on. */
interface Copy {
  request: CopyRequest
  /** Ends well. */
  complete: () => void
  /** Ends for good, without a copy. */
  refuse: (reason: string) => void
  /** Breaks down, by a fault that may pass. */
  fail: (error: Error) => void
}

export interface MemoryProvider extends DiskProvider {
  /** The next copy that is asked for, in the order of asking. */
  next: () => Promise<Copy>
  /** How many copies were asked for so far. */
  readonly asked: number
  /** How many of them are in progress. */
  readonly underWay: number
}

const COPIED: CopyOutcome = {
  outcome: 'copied',
  sizeBytes: 4n * 1024n ** 2n,
  dataBytes: 1024n ** 2n,
  checksum: `sha256-64k:${'0'.repeat(64)}`,
  dataAt: new Date('2026-01-01T00:00:00Z'),
  consistency: 'CLEAN',
}

/** Disks without bytes, all of them well. Copies go on as the test says, or end at once with `immediate`. */
export function createMemoryProvider({ immediate = false } = {}): MemoryProvider {
  const waiting: Copy[] = []
  const askers: ((copy: Copy) => void)[] = []
  let asked = 0
  let underWay = 0

  return {
    name: 'memory',
    host: 'local',
    problem: () => undefined,
    get asked() {
      return asked
    },
    get underWay() {
      return underWay
    },
    next() {
      const copy = waiting.shift()
      return copy ? Promise.resolve(copy) : new Promise((resolve) => askers.push(resolve))
    },
    async observe(disks) {
      return new Map(
        disks.map(({ id, kind, instanceId }) => {
          const free = kind === 'DATA' ? ('UNMOUNTED' as const) : ('NORMAL' as const)
          const status = instanceId === null ? free : ('IN_USE' as const)
          return [id, { status, statusReason: null, sizeBytes: null, identity: null }]
        }),
      )
    },
    capture: () => Promise.resolve(),
    async copy(request) {
      asked++
      if (immediate) return COPIED
      const { promise, resolve, reject } = Promise.withResolvers<CopyOutcome>()
      const copy: Copy = {
        request,
        complete: () => resolve(COPIED),
        refuse: (reason) => resolve({ outcome: 'refused', reason }),
        fail: reject,
      }
      request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))
      const asker = askers.shift()
      if (asker) asker(copy)
      else waiting.push(copy)
      underWay++
      return promise.finally(() => underWay--)
    },
    verify: () => Promise.resolve({ outcome: 'done' }),
    holds: () => Promise.resolve(true),
    delete: () => Promise.resolve({ outcome: 'done' }),
    place: (diskId) => Promise.resolve(`/nowhere/${diskId}`),
    create: () => Promise.resolve({ outcome: 'done' }),
    rollBack: () => Promise.resolve({ outcome: 'done' }),
    resize: () => Promise.resolve({ outcome: 'done' }),
    attach: () => Promise.resolve({ outcome: 'done' }),
    detach: () => Promise.resolve({ outcome: 'done' }),
    release: () => Promise.resolve({ outcome: 'done' }),
    clean: () => Promise.resolve({ outcome: 'done' }),
    sweep: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
