import {
  CLOUD_PROVIDERS,
  CONNECTION_STATES,
  PROVIDERS,
  type Provider as Recorded,
} from '../../domain/connection.ts'
import { builder } from '../builder.ts'
import { COMPARISON_LIMITS } from './filters.ts'

/** An enum whose values are described by sentences. */
export const described = <Value extends string>(values: Record<Value, string>) =>
  Object.fromEntries(
    Object.entries<string>(values).map(([value, description]) => [value, { description }]),
  ) as Record<Value, { description: string }>

export const CloudProvider = builder.enumType('CloudProvider', {
  description: 'A cloud that a connection leads to.',
  values: described(CLOUD_PROVIDERS),
})

export const ConnectionState = builder.enumType('ConnectionState', {
  description: 'How the last call of a connection ended.',
  values: described(CONNECTION_STATES),
})

const ConnectionStateFilter = builder.inputType('ConnectionStateFilter', {
  description: 'Compares a state. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: ConnectionState, description: 'Is this state.' }),
    in: t.field({ type: [ConnectionState], description: 'Is one of these states.' }),
  }),
})

export const ConnectionFilter = builder.inputType('ConnectionFilter', {
  description: 'Filter for connections. All given conditions must hold.',
  fields: (t) => ({
    state: t.field({ type: ConnectionStateFilter, description: 'By how the last call ended.' }),
  }),
})

export const Provider = builder.enumType('Provider', {
  description: 'Where a disk or snapshot is.',
  values: Object.fromEntries(
    Object.entries(PROVIDERS).map(([value, description]) => [
      value,
      { description, value: value.toLowerCase() as Recorded },
    ]),
  ) as Record<Uppercase<Recorded>, { description: string; value: Recorded }>,
})

export const ProviderFilter = builder.inputType('ProviderFilter', {
  description: 'Compares a provider. All given comparisons must hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: Provider, description: 'Is this provider.' }),
    in: t.field({ type: [Provider], description: 'Is one of these providers.' }),
  }),
})
