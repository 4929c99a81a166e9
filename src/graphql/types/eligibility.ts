import type { Refusal } from '../../domain/refusal.ts'
import { builder } from '../builder.ts'
import { factsOf, UserError } from './user-error.ts'

/** The answer of a rule beforehand: every refusal it has, none when the operation is allowed. */
export const Eligibility = builder.objectRef<Refusal[]>('Eligibility').implement({
  description: 'Whether something would be accepted now, by the rule that the mutation asks.',
  fields: (t) => ({
    allowed: t.boolean({
      description: 'True when nothing speaks against it.',
      resolve: (refusals) => refusals.length === 0,
    }),
    refusals: t.field({
      type: [UserError],
      description:
        'Every refusal there would be, in the order they are checked; the mutation answers the first.',
      resolve: (refusals) => refusals.map(factsOf),
    }),
  }),
})
