import { isObjectType, lexicographicSortSchema, printSchema, specifiedDirectives } from 'graphql'
import { builder } from './builder.ts'
import { INCREMENTAL_DIRECTIVES } from './incremental-directives.ts'
import './types/activity.ts'
import './types/api-token.ts'
import './types/connection.ts'
import './types/disk.ts'
import './types/disk-mutations.ts'
import './types/federation.ts'
import './types/inventory.ts'
import './types/limits.ts'
import './types/operation-mutations.ts'
import './types/policy.ts'
import './types/snapshot.ts'
import './types/snapshot-mutations.ts'
import './types/transition.ts'
import './types/upstream-policy.ts'
import './types/user-error.ts'
import './types/viewer.ts'

export const schema = builder.toSchema({
  sortSchema: true,
  directives: [...specifiedDirectives, ...INCREMENTAL_DIRECTIVES],
})

// An id is stored as it is shown; the Relay plugin would wait for each as if it had to be encoded.
for (const type of Object.values(schema.getTypeMap())) {
  if (isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node')) {
    const { id } = type.getFields()
    if (id) delete id.resolve
  }
}

/** The schema as `schema.graphql` has it. */
export function printSdl(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
