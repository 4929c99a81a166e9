/** An amount, or a number of entries, that may depend on variables. */
export type Amount = number | ((variables: Values) => number)
export type Values = Record<string, unknown>

export function amount(value: Amount, variables: Values): number {
  return typeof value === 'number' ? value : value(variables)
}

export function sum(amounts: Amount[]): Amount {
  const fixed = amounts.reduce<number>((total, one) => total + (typeof one === 'number' ? one : 0), 0)
  const variable = amounts.filter((one) => typeof one !== 'number')
  if (variable.length === 0) return fixed
  return (variables) => variable.reduce((total, one) => total + one(variables), fixed)
}

export function product(size: Amount, points: Amount): Amount {
  if (typeof size === 'number' && typeof points === 'number') return size * points
  return (variables) => amount(size, variables) * amount(points, variables)
}

/** The same amount, worked out once for each set of variables: a fragment may be spread many times, by others too. */
export function once(points: Amount): Amount {
  if (typeof points === 'number') return points
  let last: { variables: Values; value: number } | undefined
  return (variables) => {
    if (last?.variables !== variables) last = { variables, value: points(variables) }
    return last.value
  }
}
