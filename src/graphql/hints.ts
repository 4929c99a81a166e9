import type { GraphQLField, GraphQLObjectType } from 'graphql'

/**
 * What the gateway knows of a field or type of the schema that its GraphQL type does not say. Hints are extensions: they
 * stand where the field is declared, and nothing outside of this file reads or writes them under another name.
 */
type FieldHints = {
  /** The columns that the field reads of its row; `ALL` for any of them. */
  columns?: readonly string[] | 'ALL'
  /** Its value has to be waited for: an operation with it is not worth compiling. */
  waits?: true
}

type TypeHints = {
  /** Its leaf fields say what is stored with an object, the same at any time and for all who may see it. */
  isStored?: true
}

const hint = <Hints extends FieldHints | TypeHints>(extensions: Hints) => ({ extensions })

/** The columns that a field reads, besides the id. Every field of a listed type that does not expose a column says it. */
export const reading = (...columns: string[]) => hint<FieldHints>({ columns })

/** For a field whose rule may look at the whole row. */
export const READING_ALL = hint<FieldHints>({ columns: 'ALL' })

export const WAITS = hint<FieldHints>({ waits: true })

/** For a type whose answers may be kept, and projected without an execution. */
export const STORED = hint<TypeHints>({ isStored: true })

/** The columns that a field reads; `ALL` where that is not known. */
export function columnsOf(field: GraphQLField<unknown, unknown>): readonly string[] | 'ALL' {
  const { pothosExposedField: exposed } = field.extensions
  const { columns } = field.extensions as FieldHints
  if (columns) return columns
  if (typeof exposed === 'string') return [exposed]
  return field.name === 'id' ? ['id'] : 'ALL'
}

/** Whether a field says which columns it reads. */
export function saysColumns(field: GraphQLField<unknown, unknown>): boolean {
  return columnsOf(field) !== 'ALL' || 'columns' in field.extensions
}

export const waits = ({ extensions }: GraphQLField<unknown, unknown>): boolean =>
  (extensions as FieldHints).waits === true

export const isStored = ({ extensions }: GraphQLObjectType): boolean =>
  (extensions as TypeHints).isStored === true
