import { GraphQLScalarType } from 'graphql'
import { DateTimeResolver } from 'graphql-scalars'
import { fineTime } from '../domain/fine-time.ts'

/** `DateTime`, whose values may be finer than milliseconds where they are compared. */
export const DateTime = new GraphQLScalarType({
  ...DateTimeResolver.toConfig(),
  parseValue: (value) => fineTime(value, DateTimeResolver.parseValue(value)),
  parseLiteral: (node, variables) =>
    fineTime('value' in node ? node.value : undefined, DateTimeResolver.parseLiteral(node, variables)),
})
