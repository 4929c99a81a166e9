import { lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'
import './types/disk.ts'
import './types/disk-mutations.ts'
import './types/snapshot.ts'
import './types/snapshot-mutations.ts'
import './types/transition.ts'
import './types/user-error.ts'

export const schema = builder.toSchema({ sortSchema: true })

/** The schema as `schema.graphql` has it. */
export function printSdl(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
