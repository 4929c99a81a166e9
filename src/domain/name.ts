/** The longest name, in code points. Source: the cloud's API, create snapshot and create policy. */
export const NAME_MAX_LENGTH = 65

/** The rules of a name, each with the sentence that says what would be right. */
export const NAME_RULES = {
  EMPTY: 'A name has at least 1 character.',
  TOO_LONG: `A name has at most ${NAME_MAX_LENGTH} characters.`,
  FIRST_CHARACTER: 'A name starts with a letter, A-Z or a-z.',
  CHARACTERS: 'A name has only letters A-Z and a-z, digits, Chinese characters, and - _ / . or space.',
} as const

export type NameRule = keyof typeof NAME_RULES

/** The rule of a name as a sentence, for descriptions and dialogs. */
export const NAME_RULE_TEXT =
  `1–${NAME_MAX_LENGTH} characters, counted by code point: letters A-Z and a-z, digits, Chinese characters, ` +
  'and - _ / . or space; the first is a letter.'

/** The rules a name breaks, in the order of `NAME_RULES`; empty when it is a good name. Length counts code points. */
export function brokenNameRules(name: string): NameRule[] {
  const length = Array.from(name).length
  if (length === 0) return ['EMPTY']
  const broken: NameRule[] = []
  if (length > NAME_MAX_LENGTH) broken.push('TOO_LONG')
  if (!/^[A-Za-z]/.test(name)) broken.push('FIRST_CHARACTER')
  if (!/^[A-Za-z0-9\p{Script=Han}\-_ /.]*$/u.test(name)) broken.push('CHARACTERS')
  return broken
}
