import manifest from '../package.json' with { type: 'json' }

const [, , ...args] = manifest.scripts.start.split(' ')

/** What `npm start` tells Node, behind `exec node`: in the place of the shell, so that what is sent to npm arrives. */
export const START_ARGS = args

/** What of it is for V8. */
export const V8_FLAGS = args.filter((arg) => /^--.+=/.test(arg))
