/** Marks and escapes turn one byte into at most this many: an escaped character takes six, a number at most 24. */
const GROWTH = 24

/** Whether data takes more than this many bytes as JSON. Of what is much larger, no JSON is made. */
export function isLargerThan(data: unknown, bytes: number): boolean {
  const least = leastSize(data, bytes)
  if (least > bytes || least * GROWTH < bytes) return least > bytes
  return Buffer.byteLength(JSON.stringify(data)) > bytes
}

/** The bytes of a value without marks and escapes; once there are more than `enough`, as many as have been found. */
function leastSize(data: unknown, enough: number): number {
  let size = 0

  function add(value: unknown): void {
    if (size > enough) return
    if (typeof value === 'string') size += Buffer.byteLength(value) + 1
    else if (Array.isArray(value)) for (const entry of value) add(entry)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, entry] of Object.entries(value)) {
        size += key.length + 3
        add(entry)
      }
    }
    size += 1
  }

  add(data)
  return size
}
