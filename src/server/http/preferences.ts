/** How much a client wants each value named in an Accept or Accept-Encoding header: its `q`, 1 where it gives none. */
export function preferences(header: string | undefined): Map<string, number> {
  const wanted = new Map<string, number>()
  for (const item of (header ?? '').toLowerCase().split(',')) {
    if (item === '') continue
    const [value = '', ...parameters] = item.split(';').map((part) => part.trim())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    if (value) wanted.set(value, quality ? Number(quality.slice(2)) || 0 : 1)
  }
  return wanted
}

/** The values of an Accept header in the order in which the client wants them, without those that it refuses. */
export function byPreference(header: string): string {
  const wanted = header.split(',').map((item) => ({ item, quality: Number(QUALITY.exec(item)?.[1] ?? 1) }))
  return wanted
    .filter(({ quality }) => quality > 0)
    .toSorted((one, other) => other.quality - one.quality)
    .map(({ item }) => item.trim())
    .join(', ')
}

const QUALITY = /;\s*q\s*=\s*([\d.]+)/i
