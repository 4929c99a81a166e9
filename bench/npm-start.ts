import manifest from '../package.json' with { type: 'json' }

const { start, 'start:small': small } = manifest.scripts

/** What `npm start` tells Node, behind `exec node`: in the place of the shell, so that what is sent to npm arrives. */
export const START_ARGS = start.split(' ').slice(2)

/** The same of `npm run start:small`. */
export const SMALL_ARGS = small.split(' ').slice(2)

/** What of that is for V8. */
export const V8_FLAGS = SMALL_ARGS.filter((arg) => /^--.+=/.test(arg))
