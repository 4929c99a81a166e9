import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'

// Loaded before anything else (`node --import`): what was compiled is kept beside the packages, so that the next start need
// not strip types and compile again, which is half of it. Where that cannot be written, nothing is kept.
const folder = join(import.meta.dirname, '../node_modules/.cache/snapgate')
if (isTrusted()) {
  enableCompileCache(folder)
  setTimeout(flushCompileCache, 10_000).unref()
}

/** Whether only this user and root can have put code there: what is kept is run. */
function isTrusted(): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    if (uid === process.geteuid?.() && (mode & 0o022) !== 0) chmodSync(folder, mode & 0o755)
    const now = lstatSync(folder)
    return now.isDirectory() && (now.uid === process.geteuid?.() || now.uid === 0) && (now.mode & 0o022) === 0
  } catch {
    return false
  }
}
