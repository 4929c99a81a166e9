import { useMemo } from 'react'
import { useSearchParams } from 'wouter'

const PAGE_SIZES = [10, 20, 50, 100] as const
const DEFAULT_PAGE_SIZE = 20

/** What stands where in a list: forgotten whenever the list becomes another one. */
export const PLACE = ['page', 'after', 'before', 'last'] as const

export type Changes = Record<string, string | readonly string[] | undefined>

/** The state of a page, which is all in its address, so that it can be gone back to, reloaded and sent to others. */
export function useAddress() {
  const [parameters, setParameters] = useSearchParams()
  return useMemo(() => {
    const change = (changes: Changes, { replace = false } = {}) =>
      setParameters(
        (current) => {
          const next = new URLSearchParams(current)
          for (const [name, value] of Object.entries(changes)) {
            const text = typeof value === 'string' || value === undefined ? value : value.join(',')
            if (text) next.set(name, text)
            else next.delete(name)
          }
          return next
        },
        { replace },
      )
    return {
      parameters,
      text: (name: string) => parameters.get(name) ?? '',
      list: (name: string) => parameters.get(name)?.split(',').filter(Boolean) ?? [],
      change,
      /** Changes which list, or which page of it, is shown: the first one unless the changes name another. */
      filter: (changes: Changes, options?: { replace?: boolean }) =>
        change({ ...Object.fromEntries(PLACE.map((name) => [name, undefined])), ...changes }, options),
    }
  }, [parameters, setParameters])
}

export type Address = ReturnType<typeof useAddress>

/** The values of a list in the address that are among those known. */
export function known<Value extends string>(values: readonly string[], all: readonly Value[]): Value[] {
  return all.filter((value) => values.includes(value))
}

export interface Paging {
  size: number
  sizes: readonly number[]
  page: number
  arguments: { first?: number; after?: string; last?: number; before?: string }
}

/** Which page of a list is wanted. Pages are found by cursor; the number only says where that is. */
export function pagingOf({ parameters }: Address): Paging {
  const wanted = Number(parameters.get('size'))
  const size = PAGE_SIZES.find((known) => known === wanted) ?? DEFAULT_PAGE_SIZE
  const [after, before, last] = [
    parameters.get('after'),
    parameters.get('before'),
    Number(parameters.get('last')),
  ]
  const page = Math.max(1, Math.trunc(Number(parameters.get('page'))) || 1)
  const common = { size, sizes: PAGE_SIZES }
  if (after) return { ...common, page, arguments: { first: size, after } }
  if (before) return { ...common, page, arguments: { last: size, before } }
  if (last >= 1 && last <= size) return { ...common, page, arguments: { last } }
  return { ...common, page: 1, arguments: { first: size } }
}

export interface Order<Field extends string> {
  field: Field
  direction: 'ASC' | 'DESC'
}

/** The order of a list: `name` ascending, `-name` descending. */
export function orderOf<Field extends string>(
  address: Address,
  fields: readonly Field[],
  usual: Order<Field>,
): Order<Field> {
  const text = address.text('sort')
  const field = fields.find((known) => known.toLowerCase() === text.replace(/^-/, ''))
  return field ? { field, direction: text.startsWith('-') ? 'DESC' : 'ASC' } : usual
}
