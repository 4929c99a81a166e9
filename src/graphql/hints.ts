import type { GraphQLField, GraphQLObjectType } from 'graphql'
import type { Prisma } from '../generated/prisma/client.ts'

/** Amounts of costs are in tenths of a point, so that sums are exact. */
export const POINT = 10

/** A row that is read by itself, with a statement of its own. */
export const READ = 4 * POINT

type ColumnOf<T extends Prisma.ModelName> = keyof Prisma.TypeMap['model'][T]['payload']['scalars']

/**
 * What the gateway knows of a field or type of the schema that its GraphQL type does not say. Hints are extensions: they
 * stand where the field is declared, and nothing outside of this file reads or writes them under another name.
 */
type FieldHints = {
  /** The columns that the field reads of its row; `ALL` where its rule may look at the whole row. */
  reads?: readonly string[] | 'ALL'
  /** What it costs more than a value, in tenths of a point, for what it reads or works out. */
  costs?: number
  /** How many entries its list is taken to have, where that is not paged. */
  entries?: number
  /** Its value has to be waited for: an operation with it is not worth compiling. */
  waits?: true
}

type TypeHints = {
  /** Its leaf fields say what is stored with an object, the same at any time and for all who may see it. */
  isStored?: true
}

const hint = <Hints extends FieldHints | TypeHints>(extensions: Hints) => ({ extensions })

/**
 * The hints of a field of a listed type, whose rows are in this table. Each field that does not expose a column has them all, in
 * one piece, because a second spread would replace the first: what it reads, besides the id, and what it costs.
 */
export type RowHints<T extends Prisma.ModelName> = Required<Pick<FieldHints, 'costs'>> &
  Pick<FieldHints, 'entries'> & { reads: readonly ColumnOf<T>[] | 'ALL' }

export const rowHints = (
  hints: Required<Pick<FieldHints, 'reads' | 'costs'>> & Pick<FieldHints, 'entries'>,
) => hint<FieldHints>(hints)

/** The hints of a field of any other type: what it costs more than a value, and how many entries it has. */
export const costing = (costs: number, entries?: number) =>
  hint<FieldHints>({ costs, ...(entries !== undefined && { entries }) })

export const WAITS = hint<FieldHints>({ waits: true })

/** For a type whose answers may be kept, and projected without an execution. */
export const STORED = hint<TypeHints>({ isStored: true })

/** The columns that a field reads; `ALL` where that is not known. */
export function columnsOf(field: GraphQLField<unknown, unknown>): readonly string[] | 'ALL' {
  const { pothosExposedField: exposed } = field.extensions
  const { reads } = field.extensions as FieldHints
  if (reads) return reads
  if (typeof exposed === 'string') return [exposed]
  return field.name === 'id' ? ['id'] : 'ALL'
}

/** Whether a field says which columns it reads. */
export function saysColumns(field: GraphQLField<unknown, unknown>): boolean {
  return columnsOf(field) !== 'ALL' || 'reads' in field.extensions
}

/** What a field costs more than a value; undefined where it has no hint. */
export const costHintOf = ({ extensions }: GraphQLField<unknown, unknown>): number | undefined =>
  (extensions as FieldHints).costs

export const entriesHintOf = ({ extensions }: GraphQLField<unknown, unknown>): number | undefined =>
  (extensions as FieldHints).entries

export const waits = ({ extensions }: GraphQLField<unknown, unknown>): boolean =>
  (extensions as FieldHints).waits === true

export const isStored = ({ extensions }: GraphQLObjectType): boolean =>
  (extensions as TypeHints).isStored === true
