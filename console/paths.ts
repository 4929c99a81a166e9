/** Where the pages are, each with what its address says after the colon; the first one is where `/` leads. */
export const PATHS = [
  '/overview',
  '/disks',
  '/disks/:id',
  '/snapshots',
  '/policies',
  '/policies/:id',
  '/connections',
  '/connections/:id',
  '/activity',
  '/tokens',
] as const

export type Path = (typeof PATHS)[number]

export const [HOME] = PATHS

/** The page at an address; undefined where there is none. */
export function pathAt(address: string): Path | undefined {
  const path = address === '/' ? HOME : address
  return PATHS.find((one) => new RegExp(`^${one.replace(/:\w+/, '[^/]+')}$`).test(path))
}
