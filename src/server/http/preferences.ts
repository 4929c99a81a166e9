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
