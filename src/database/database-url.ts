/** Whether a DATABASE_URL names a PostgreSQL server, and not a file of SQLite. */
export function isPostgresql(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}
