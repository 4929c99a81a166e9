/** The schema of the last release. `npm run release` replaces it. */
export const RELEASED = new URL('../schema.released.graphql', import.meta.url)
