/** What a client sends with `subscribe`, as far as anybody reads it. */
const PARAMETERS = ['query', 'documentId', 'operationName', 'variables', 'extensions']

/**
 * A message with nothing but what the protocol knows; as it came, where it is no JSON object. graphql-ws keeps messages for
 * as long as what they began goes on, and a client may put megabytes of objects beside what is read.
 */
export function knownPartsOf(text: string): unknown {
  let sent: unknown
  try {
    sent = JSON.parse(text)
  } catch {
    return text
  }
  if (!isObject(sent)) return text
  const { type, id, payload } = sent
  if (type !== 'subscribe' || !isObject(payload)) return { type, id, payload }
  const parameters = picked(payload)
  lengths.set(parameters, text.length)
  return { type, id, payload: parameters }
}

const lengths = new WeakMap<object, number>()

/** How long the message was in which the parameters of an operation came, in characters. */
export function lengthOf(payload: object): number {
  return lengths.get(payload) ?? 0
}

/** Lets go of the parameters of an operation, which have been read. */
export function release(payload: object): void {
  for (const name of PARAMETERS) Reflect.deleteProperty(payload, name)
}

function picked(payload: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    PARAMETERS.filter((name) => Object.hasOwn(payload, name)).map((name) => [name, payload[name]]),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
