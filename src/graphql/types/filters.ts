import { z } from 'zod'
import { builder } from '../builder.ts'
import { PAGE_MAX } from '../connection.ts'
import { hasRepetitions } from '../repetitions.ts'
import { text } from '../text.ts'

const TEXT_MAX = 256

const value = text('A text in a filter', 0, TEXT_MAX)

/** A search for names and ids at once: what a person types cannot be told apart by its looks. */
export const SEARCH = {
  description:
    `The name contains this text (case-insensitive for A–Z), or the id equals it. At most ${TEXT_MAX} ` +
    'characters.',
  validate: value.nullish(),
} as const

/** What every comparison in a filter is held to: lists and texts are bounded. */
export const COMPARISON_LIMITS = z.object({
  eq: value.nullish(),
  in: z.array(value).max(PAGE_MAX, `A list in a filter has at most ${PAGE_MAX} entries.`).nullish(),
  contains: value.nullish(),
})

export const IDFilter = builder.inputType('IDFilter', {
  description: 'Compares an id. All given comparisons must hold.',
  validate: COMPARISON_LIMITS.refine(
    (comparisons) => !hasRepetitions(comparisons.in ?? []),
    'A list of ids in a filter has each id once.',
  ),
  fields: (t) => ({
    eq: t.id({ description: 'Is this id.' }),
    in: t.idList({ description: `Equals one of these ids, at most ${PAGE_MAX}, each once.` }),
  }),
})

export const StringFilter = builder.inputType('StringFilter', {
  description: 'Compares a text. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.string({ description: 'Equals this text.' }),
    in: t.stringList({ description: `Equals one of these texts, at most ${PAGE_MAX}.` }),
    contains: t.string({
      description: `Contains this text, at most ${TEXT_MAX} characters. Case-insensitive for A–Z.`,
    }),
  }),
})

export const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'Compares a time. All given comparisons must hold.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later than this time.' }),
    lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier than this time.' }),
  }),
})

export const NumberFilter = builder.inputType('NumberFilter', {
  description: 'Compares a number. All given comparisons must hold.',
  fields: (t) => ({
    eq: t.float({ description: 'Equal to this number.' }),
    gte: t.float({ description: 'Greater than or equal to this number.' }),
    gt: t.float({ description: 'Greater than this number.' }),
    lte: t.float({ description: 'Less than or equal to this number.' }),
    lt: t.float({ description: 'Less than this number.' }),
  }),
})
