const ACCOUNT_NAME_MAX_LENGTH = 128

/** The rule of an account's name, as a sentence: wide enough for any tenant name of a JWT issuer. */
export const ACCOUNT_NAME_RULE = `An account has a name of 1 to ${ACCOUNT_NAME_MAX_LENGTH} characters: any but control characters, and spaces only between others.`

export function isAccountName(name: string): boolean {
  return name.length <= ACCOUNT_NAME_MAX_LENGTH && /^[^\p{C}\p{Z}]+(?: [^\p{C}\p{Z}]+)*$/u.test(name)
}
