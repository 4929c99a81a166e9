/** What a text has to be: one of these, and with this text in it. Without either, any text. */
export interface TextCondition {
  oneOf?: readonly string[] | undefined
  /** In lower case, as `lowerCase` makes it. */
  contains?: string | undefined
}

/** Whether there is a text, and it meets the condition. */
export function isMet({ oneOf, contains }: TextCondition, text: string | null | undefined): boolean {
  if (text === null || text === undefined) return false
  return (oneOf?.includes(text) ?? true) && (contains === undefined || lowerCase(text).includes(contains))
}

/** Only A–Z are other letters then, as in the filters of lists, which SQLite compares. */
export function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
