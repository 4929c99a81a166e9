import { z } from 'zod'
import { builder } from '../builder.ts'
import { PAGE_MAX } from '../connection.ts'

const TEXT_MAX = 256

const text = z.string().max(TEXT_MAX, `A text in a filter has at most ${TEXT_MAX} characters.`)

/** What every comparison in a filter is held to: lists and texts are bounded. */
export const COMPARISON_LIMITS = z.object({
  eq: text.nullish(),
  in: z.array(text).max(PAGE_MAX, `A list in a filter has at most ${PAGE_MAX} entries.`).nullish(),
  contains: text.nullish(),
})

export const IDFilter = builder.inputType('IDFilter', {
  description: 'Compares an id; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.id({ description: 'Is this id.' }),
    in: t.idList({ description: `Is one of these ids, at most ${PAGE_MAX}.` }),
  }),
})

export const StringFilter = builder.inputType('StringFilter', {
  description: 'Compares a text; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.string({ description: 'Is exactly this text.' }),
    in: t.stringList({ description: `Is exactly one of these texts, at most ${PAGE_MAX}.` }),
    contains: t.string({
      description: `Contains this text, of at most ${TEXT_MAX} characters. The case of A-Z is ignored.`,
    }),
  }),
})

export const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'Compares a time; comparisons that are given must all hold.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later than this time.' }),
    lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier than this time.' }),
  }),
})
