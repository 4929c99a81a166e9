/** Whether a value stands in a list more than once: what is asked for twice would be read twice. */
export function hasRepetitions(values: readonly unknown[]): boolean {
  return new Set(values).size < values.length
}
