/** The limits of what a caller may note about a disk or snapshot. */
export const DESCRIPTION_MAX_LENGTH = 1_000
/** At most 40 tags, key and value of at most 65 characters. */
export const TAGS_MAX = 40
export const TAG_MAX_LENGTH = 65
