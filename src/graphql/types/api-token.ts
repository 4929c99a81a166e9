import { z } from 'zod'
import type { ApiToken as ApiTokenRow } from '../../generated/prisma/client.ts'
import { API_TOKEN_DAYS_MAX } from '../../domain/api-token.ts'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import { ApiTokenNotFound, InvalidName } from '../../domain/refusals.ts'
import { API_TOKEN_ORDERS } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { connect } from '../connection.ts'
import { idOf } from '../id-argument.ts'
import { Role } from './viewer.ts'

const ApiToken = builder.objectRef<ApiTokenRow>('ApiToken').implement({
  description:
    'A credential of the account, for programs. The token itself is returned once, by `createApiToken`, and ' +
    'not stored.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'Its id: `tok-` and at least 8 letters and digits. Not secret.',
    }),
    name: t.exposeString('name', { description: 'Its name.' }),
    role: t.expose('role', { type: Role, description: 'What it permits.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it expires; null if it does not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, accurate to about a minute; null if never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null if it was not.',
    }),
  }),
})

const ApiTokenConnection = builder.connectionObject(
  { type: ApiToken, name: 'ApiTokenConnection', description: 'A page of API tokens.' },
  { name: 'ApiTokenEdge', description: 'An API token in a list.' },
)

const NEWEST_FIRST = { field: 'CREATED_AT', direction: 'DESC' } as const

builder.queryField('apiTokens', (t) =>
  t.connection(
    {
      type: ApiToken,
      authScopes: { may: 'manageTokens' },
      description:
        'The API tokens of the account, newest first, including revoked and expired ones. Requires the ADMIN role; ' +
        'fails with FORBIDDEN otherwise.',
      resolve: (_root, args, context, info) =>
        connect(context.reads.apiTokens(), API_TOKEN_ORDERS, NEWEST_FIRST, args, context, info),
    },
    ApiTokenConnection,
  ),
)

const CreateApiTokenInput = builder.inputType('CreateApiTokenInput', {
  description: 'Input of `createApiToken`.',
  fields: (t) => ({
    name: t.string({ required: true, description: `Name of the token: ${NAME_RULE_TEXT}` }),
    role: t.field({ type: Role, required: true, description: 'What it permits.' }),
    expiresInDays: t.int({
      description: `Lifetime in days, 1–${API_TOKEN_DAYS_MAX}. Omitted or null: until it is revoked.`,
      validate: z
        .int()
        .min(1, 'expiresInDays must be at least 1.')
        .max(API_TOKEN_DAYS_MAX, `expiresInDays must be at most ${API_TOKEN_DAYS_MAX}.`)
        .nullish(),
    }),
  }),
})

const CreateApiTokenPayload = builder
  .objectRef<{ apiToken: ApiTokenRow; token: string }>('CreateApiTokenPayload')
  .implement({
    description: 'The API token was created.',
    fields: (t) => ({
      apiToken: t.expose('apiToken', { type: ApiToken, description: 'The stored API token.' }),
      token: t.exposeString('token', {
        description: 'The token, `sg_…`. It is returned only here. Store it as a secret.',
      }),
    }),
  })

const RevokeApiTokenInput = builder.inputType('RevokeApiTokenInput', {
  description: 'Input of `revokeApiToken`.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id, `tok-…`.' }) }),
})

const RevokeApiTokenPayload = builder
  .objectRef<{ apiToken: ApiTokenRow }>('RevokeApiTokenPayload')
  .implement({
    description: 'The API token is revoked.',
    fields: (t) => ({
      apiToken: t.expose('apiToken', { type: ApiToken, description: 'The API token after the call.' }),
    }),
  })

builder.mutationFields((t) => ({
  createApiToken: t.field({
    type: CreateApiTokenPayload,
    authScopes: { may: 'manageTokens' },
    description:
      'Creates an API token for the account. The first API token of a gateway ends open mode: from then on, ' +
      'every request needs a credential.',
    errors: {
      types: [InvalidName],
      union: { name: 'CreateApiTokenResult', description: 'The token, or a refusal.' },
    },
    args: { input: t.arg({ type: CreateApiTokenInput, required: true, description: 'The input.' }) },
    resolve: (_root, { input }, { gateway, viewer }) =>
      gateway.tokens.create(viewer, { ...input, expiresInDays: input.expiresInDays ?? null }),
  }),
  revokeApiToken: t.field({
    type: RevokeApiTokenPayload,
    authScopes: { may: 'manageTokens' },
    description:
      'Revokes an API token permanently. Requests with it are rejected immediately and its streams end within 5 ' +
      's; in other processes on the same database, both within 5 s.',
    errors: {
      types: [ApiTokenNotFound],
      union: { name: 'RevokeApiTokenResult', description: 'The revoked token, or a refusal.' },
    },
    args: { input: t.arg({ type: RevokeApiTokenInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { id } }, { gateway, viewer }) => ({
      apiToken: await gateway.tokens.revoke(viewer, idOf('ApiToken', id)),
    }),
  }),
}))
