import { lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'
import './types/api-token.ts'
import './types/disk.ts'
import './types/snapshot.ts'
import './types/transition.ts'
import './types/user-error.ts'
import './types/viewer.ts'

export const schema = builder.toSchema({ sortSchema: true })

/** The schema as `schema.graphql` has it. */
export function printSdl(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
