import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

// Loaded before anything else (`node --import`): what was compiled is kept beside the packages, so that the next start need
// not strip types and compile again, which is half of it. Where that cannot be written, nothing is kept.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/snapgate'))
setTimeout(flushCompileCache, 10_000).unref()
