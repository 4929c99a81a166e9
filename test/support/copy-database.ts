import SQLite from 'better-sqlite3'

/** Copies a whole database into another one that may be in use, as `.backup` and `.restore` of the sqlite3 shell do. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new SQLite(from, { readonly: true })
  await source.backup(to)
  source.close()
}
