/** On whose behalf something is asked. Every read and write is scoped to the account, in the query itself. */
export interface Viewer {
  accountId: string
}
