import type { GraphQLObjectType } from 'graphql'

/**
 * Marks a type whose leaf fields say what is stored with an object, and nothing of what holds now: their values are the
 * same at any time, need no waiting, and are the same for all who may see the object. What is answered may be kept.
 */
export const STORED = { isStored: true }

export function isStored(type: GraphQLObjectType): boolean {
  return type.extensions.isStored === true
}
