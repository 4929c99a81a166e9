import type { Prisma } from '../generated/prisma/client.ts'

/**
 * What statements say of tables, in the types that Prisma generates from the schema: a table or column that is renamed there
 * no longer compiles here.
 */

export type Table = Prisma.ModelName

type Model<T extends Table> = Prisma.TypeMap['model'][T]

/** A row as it is read. */
export type Row<T extends Table> = Model<T>['payload']['scalars']

type Creation<T extends Table> = Exclude<
  Model<T>['operations']['createMany']['args']['data'],
  readonly unknown[]
>

/** A row as it is inserted: columns with a default may be left out. */
export type NewRow<T extends Table> = {
  readonly [C in keyof Creation<T>]: C extends keyof Row<T> ? Row<T>[C] : never
}

/** The tables of rows that are numbered in each account. */
export type LogTable = 'SnapshotTransition' | 'DiskTransition'

/** A row as it is appended: its numbers are given to it. */
export type NewLogRow<T extends LogTable> = Omit<NewRow<T>, 'position' | 'sequence'>

/** Columns to change. Those that are undefined stay as they are. */
export type Changes<T extends Table> = { readonly [C in keyof Row<T>]?: Row<T>[C] | undefined }

/** What a column has to be: a value, or as these operators say, which are some of Prisma's and mean the same. */
type Condition<V> =
  | V
  | {
      readonly in?: readonly V[]
      readonly not?: V
      readonly notIn?: readonly V[]
      readonly lt?: V
      readonly lte?: V
      readonly gt?: V
      readonly gte?: V
      /** Of a column that names a disk or snapshot: that belongs to this account. */
      readonly ownedBy?: string
    }

/** Which rows: all conditions hold, those of `AND` too, and of `OR` at least one. A condition that is undefined throws. */
export type Where<T extends Table> = { readonly [C in keyof Row<T>]?: Condition<Row<T>[C]> } & {
  readonly AND?: readonly Where<T>[]
  readonly OR?: readonly Where<T>[]
}

export interface Order<T extends Table> {
  /** By its first column, then by the next. */
  readonly orderBy?: { readonly [C in keyof Row<T>]?: 'asc' | 'desc' }
  readonly limit?: number
}
