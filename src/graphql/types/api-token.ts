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
    'A credential of the account, for programs. The token itself is shown once, when it is created, and stored nowhere.',
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'Its id, `tok-` and at least 8 letters and digits. It is no secret.',
    }),
    name: t.exposeString('name', { description: 'What somebody called it, to know it again.' }),
    role: t.expose('role', { type: Role, description: 'What may be done with it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From when on it is refused; null when it does not expire.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last came with a request, noted within a minute or so; null when it never did.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is revoked; null when it is not.',
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
        'The API tokens of the account, the newest first, those that were revoked or have expired among them. ' +
        'For the role ADMIN; FORBIDDEN to others.',
      resolve: (_root, args, context, info) =>
        connect(context.reads.apiTokens(), API_TOKEN_ORDERS, NEWEST_FIRST, args, context, info),
    },
    ApiTokenConnection,
  ),
)

const CreateApiTokenInput = builder.inputType('CreateApiTokenInput', {
  description: 'What an API token is for.',
  fields: (t) => ({
    name: t.string({ required: true, description: `What to call it: ${NAME_RULE_TEXT}` }),
    role: t.field({ type: Role, required: true, description: 'What may be done with it.' }),
    expiresInDays: t.int({
      description: `For how many days it is good, 1–${API_TOKEN_DAYS_MAX}; until it is revoked when left out or null.`,
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
      apiToken: t.expose('apiToken', { type: ApiToken, description: 'What is stored of it.' }),
      token: t.exposeString('token', {
        description: 'The token, `sg_…`. It is in this answer only: keep it where secrets are kept.',
      }),
    }),
  })

const RevokeApiTokenInput = builder.inputType('RevokeApiTokenInput', {
  description: 'Which API token to revoke.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its id, `tok-…`.' }) }),
})

const RevokeApiTokenPayload = builder
  .objectRef<{ apiToken: ApiTokenRow }>('RevokeApiTokenPayload')
  .implement({
    description: 'The API token is revoked, now or since before.',
    fields: (t) => ({
      apiToken: t.expose('apiToken', { type: ApiToken, description: 'The token as it is now.' }),
    }),
  })

builder.mutationFields((t) => ({
  createApiToken: t.field({
    type: CreateApiTokenPayload,
    authScopes: { may: 'manageTokens' },
    description:
      'Creates an API token for the account. The first one of all closes a gateway that was open to this machine: from then ' +
      'on every request needs a credential.',
    errors: {
      types: [InvalidName],
      union: { name: 'CreateApiTokenResult', description: 'The token, or why it was refused.' },
    },
    args: { input: t.arg({ type: CreateApiTokenInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, { gateway, viewer }) =>
      gateway.tokens.create(viewer, { ...input, expiresInDays: input.expiresInDays ?? null }),
  }),
  revokeApiToken: t.field({
    type: RevokeApiTokenPayload,
    authScopes: { may: 'manageTokens' },
    description:
      'Revokes an API token for good. Requests with it are refused at once, and its streams end within 5 seconds; in other ' +
      'processes on the same database both within 5 seconds.',
    errors: {
      types: [ApiTokenNotFound],
      union: { name: 'RevokeApiTokenResult', description: 'The revoked token, or why it was refused.' },
    },
    args: { input: t.arg({ type: RevokeApiTokenInput, required: true, description: 'What to revoke.' }) },
    resolve: async (_root, { input: { id } }, { gateway, viewer }) => ({
      apiToken: await gateway.tokens.revoke(viewer, idOf('ApiToken', id)),
    }),
  }),
}))
