/** How far the copy of a snapshot is, in bytes of data (holes are not counted). */
export interface Progress {
  copiedBytes: number
  totalBytes: number
}

/** Whole percent, rounded down, so that 100 means done. An empty disk is done at once. */
export function percent({ copiedBytes, totalBytes }: Progress): number {
  return totalBytes === 0 ? 100 : Math.min(100, Math.floor((copiedBytes / totalBytes) * 100))
}

/** How often those who watch look for what others have saved, in milliseconds. */
const ELSEWHERE_MS = 250

/**
 * The progress of the copies that run in this process: measured and ephemeral. A slow reader gets
 * the latest value only; transitions are never merged like that.
 */
export class ProgressBoard {
  readonly #latest = new Map<string, Progress>()
  #elsewhere: NodeJS.Timeout | undefined
  readonly #changed = new Map<string, Set<() => void>>()

  report(snapshotId: string, progress: Progress): void {
    this.#latest.set(snapshotId, progress)
    this.#notify(snapshotId)
  }

  /** The copy has ended, well or not: forget it, and end its streams. */
  close(snapshotId: string): void {
    this.#latest.delete(snapshotId)
    this.#notify(snapshotId)
  }

  /** Undefined when no copy of this snapshot runs here. */
  get(snapshotId: string): Progress | undefined {
    return this.#latest.get(snapshotId)
  }

  /** Work that runs in another process, or in a cloud, may have gone on or ended: all who watch will look. */
  changedElsewhere(): void {
    if (this.#changed.size === 0) return
    this.#elsewhere ??= setTimeout(() => {
      this.#elsewhere = undefined
      for (const snapshotId of [...this.#changed.keys()]) this.#notify(snapshotId)
    }, ELSEWHERE_MS).unref()
  }

  /** Calls back at every change until the returned function is called. */
  watch(snapshotId: string, onChange: () => void): () => void {
    const watchers = this.#changed.get(snapshotId) ?? new Set()
    this.#changed.set(snapshotId, watchers)
    watchers.add(onChange)
    return () => {
      // Once only: by a second call the entry may be that of others, who watch since.
      if (watchers.delete(onChange) && watchers.size === 0) this.#changed.delete(snapshotId)
    }
  }

  get watchers(): number {
    return [...this.#changed.values()].reduce((sum, set) => sum + set.size, 0)
  }

  #notify(snapshotId: string): void {
    for (const onChange of [...(this.#changed.get(snapshotId) ?? [])]) onChange()
  }
}
