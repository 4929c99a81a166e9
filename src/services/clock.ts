import { randomBytes } from 'node:crypto'
import { idFrom, type IdType } from '../domain/id.ts'

/** The time now; tests drive their own. */
export type Clock = () => Date

/** A new id that names a thing of this type; tests give their own. */
export type NewId = (type: IdType) => string

/** When something is done, and what names the rows that it makes. */
export interface Moment {
  at: Date
  newId: NewId
}

export const newRandomId: NewId = (type) => idFrom(type, randomBytes(12))
