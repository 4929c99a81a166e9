/** What the gateway serves compared with what this page came from. */
type Version = 'same' | 'newer' | 'unreachable'

/** The path of this page's entry script. */
const OWN = new URL(
  document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.src ?? location.href,
).pathname

let latest: Version = 'same'
const watchers = new Set<() => void>()

/** Asks the gateway which console it serves now. */
export async function checkVersion(): Promise<Version> {
  const version = await ask()
  if (version !== 'unreachable' && version !== latest) {
    latest = version
    for (const watcher of watchers) watcher()
  }
  return version
}

async function ask(): Promise<Version> {
  try {
    const answer = await fetch('/disks', { headers: { accept: 'text/html' }, cache: 'no-cache' })
    if (!answer.ok) return 'unreachable'
    // The entry's name carries a hash of what it is made of, and so do the names of the parts in it.
    return (await answer.text()).includes(OWN) ? 'same' : 'newer'
  } catch {
    return 'unreachable'
  }
}

/** For `useSyncExternalStore`. */
export function watchVersion(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

export const latestVersion = (): Version => latest
