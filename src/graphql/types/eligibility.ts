import type { Refusal } from '../../domain/refusal.ts'
import { builder } from '../builder.ts'
import { costing } from '../hints.ts'
import { factsOf, UserError } from './user-error.ts'

/** The answer of a rule beforehand: every refusal it has, none when the operation is allowed. */
export const Eligibility = builder.objectRef<Refusal[]>('Eligibility').implement({
  description: 'Whether a mutation would be accepted now. Same rule as the mutation.',
  fields: (t) => ({
    allowed: t.boolean({
      description: 'True if there are no refusals.',
      resolve: (refusals) => refusals.length === 0,
    }),
    refusals: t.field({
      ...costing(0, 2),
      type: [UserError],
      description: 'All refusals, in the order of checks. The mutation returns the first one.',
      resolve: (refusals) => refusals.map(factsOf),
    }),
  }),
})
