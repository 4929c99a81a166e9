import { factsOfReason, REASONS, type KnownReason, type Reason as ReasonRow } from '../../domain/reasons.ts'
import { builder } from '../builder.ts'
import { costing } from '../hints.ts'

const OTHER = 'In other words than those of the gateway, such as those of a cloud. Facts: the words.'

function describe(code: KnownReason): string {
  const facts = factsOfReason(code)
  return facts.length === 0 ? REASONS[code] : `${REASONS[code]} Facts: ${facts.join(', ')}.`
}

const ReasonCode = builder.enumType('ReasonCode', {
  description:
    'Why something happened, for programs: one code for each sentence. Codes can be added; show the sentence for those ' +
    'that you do not know.',
  values: {
    ...(Object.fromEntries(
      (Object.keys(REASONS) as KnownReason[]).map((code) => [code, { description: describe(code) }]),
    ) as Record<KnownReason, { description: string }>),
    OTHER: { description: OTHER },
  },
})

export const Reason = builder.objectRef<ReasonRow>('Reason').implement({
  description: 'A sentence of a reason, for programs that say it in words or a language of their own.',
  fields: (t) => ({
    code: t.field({
      type: ReasonCode,
      description: 'Which sentence it is.',
      resolve: ({ code }) => code,
    }),
    facts: t.stringList({
      ...costing(0, 5),
      description: 'The facts in it, in the order that the description of the code gives.',
      resolve: ({ facts }) => facts,
    }),
  }),
})

/** How many sentences a reason is taken to have. */
export const SENTENCES = 2
