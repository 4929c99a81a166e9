import manifest from '../package.json' with { type: 'json' }

const [, ...args] = manifest.scripts.start.split(' ')

/** What `npm start` tells Node. */
export const START_ARGS = args

/** What of it is for V8. */
export const V8_FLAGS = args.filter((arg) => /^--.+=/.test(arg))
