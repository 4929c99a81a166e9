import { z } from 'zod'
import { TAG_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import { builder } from '../builder.ts'
import { text } from '../text.ts'
import { StringFilter } from './filters.ts'

export const Tag = builder.simpleObject('Tag', {
  description: 'A label.',
  fields: (t) => ({
    key: t.string({ description: 'Its key, unique per disk or snapshot.' }),
    value: t.string({ description: 'Its value; can be empty.' }),
  }),
})

export const TagInput = builder.inputType('TagInput', {
  description: 'A label.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: `Its key, 1–${TAG_MAX_LENGTH} characters.`,
      validate: text('The key of a tag', 1, TAG_MAX_LENGTH),
    }),
    value: t.string({
      required: true,
      description: `Its value, at most ${TAG_MAX_LENGTH} characters.`,
      validate: text('The value of a tag', 0, TAG_MAX_LENGTH),
    }),
  }),
})

/** What a list of tags is held to. */
export const TAG_LIMITS = z
  .array(z.looseObject({ key: z.string() }))
  .max(TAGS_MAX, `There are at most ${TAGS_MAX} tags.`)
  .refine(
    (tags) => new Set(tags.map(({ key }) => key)).size === tags.length,
    'Each key of a tag may be given once.',
  )

/** As many tags may be filtered by at once. */
const TAG_FILTERS_MAX = 10
export const TAG_FILTERS = `By tags, at most ${TAG_FILTERS_MAX}. All must match.`
export const TAG_FILTER_LIMITS = z
  .array(z.unknown())
  .max(TAG_FILTERS_MAX, `A filter has at most ${TAG_FILTERS_MAX} tags.`)
  .nullish()

export const TagFilter = builder.inputType('TagFilter', {
  description: 'Has a tag with this key and, if given, a matching value.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: 'The key.',
      validate: text('The key of a tag', 1, TAG_MAX_LENGTH),
    }),
    value: t.field({ type: StringFilter, description: 'Compares the value. Omitted: any value.' }),
  }),
})
