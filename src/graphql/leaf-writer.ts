import { isEnumType, type GraphQLLeafType } from 'graphql'

/** Thrown when something is not simply a value: an error, a null where none may be, a promise. */
export const OUT_OF_THE_ORDINARY = new Error('This is left to an execution.')

/** Writes the values of a scalar or an enum as JSON; throws `OUT_OF_THE_ORDINARY` for one that it cannot write. */
export function leafWriter(type: GraphQLLeafType): (value: unknown) => string {
  const general = (value: unknown) => {
    const serialized: unknown = type.serialize(value)
    if (serialized === null || serialized === undefined) throw OUT_OF_THE_ORDINARY
    return JSON.stringify(serialized)
  }
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name, value }) => [value as unknown, `"${name}"`]))
    return (value) => texts.get(value) ?? general(value)
  }
  switch (type.name) {
    case 'ID':
    case 'String':
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : general(value))
    case 'Boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : general(value))
    case 'Int':
      return (value) => (typeof value === 'number' && (value | 0) === value ? String(value) : general(value))
    case 'SafeInt':
      return (value) => (Number.isSafeInteger(value) ? String(value) : general(value))
    case 'Float':
      return (value) => (Number.isFinite(value) ? String(value) : general(value))
    case 'DateTime': {
      // Much happens at the same time.
      let last: number | undefined
      let text = ''
      return (value) => {
        if (!(value instanceof Date)) return general(value)
        const time = value.getTime()
        if (time !== last) [last, text] = [time, `"${value.toISOString()}"`]
        return text
      }
    }
    default:
      return general
  }
}
