/** What the browser keeps for the page. Where it keeps nothing, because that is forbidden or full, nothing is remembered. */
interface Kept {
  get: (key: string) => string | null
  set: (key: string, value: string) => void
  remove: (key: string) => void
}

function keptIn(storage: () => Storage): Kept {
  function attempt<Value>(work: (kept: Storage) => Value): Value | null {
    try {
      return work(storage())
    } catch {
      return null
    }
  }
  return {
    get: (key) => attempt((kept) => kept.getItem(key)),
    set: (key, value) => void attempt((kept) => kept.setItem(key, value)),
    remove: (key) => void attempt((kept) => kept.removeItem(key)),
  }
}

// Reading these properties is what throws where storage is forbidden.
export const forTab = keptIn(() => sessionStorage)
export const forBrowser = keptIn(() => localStorage)
