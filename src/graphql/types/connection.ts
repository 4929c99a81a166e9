import { z } from 'zod'
import {
  CREDENTIAL_NAME_MAX_LENGTH,
  CREDENTIAL_REFERENCE_MAX_LENGTH,
  CREDENTIALS_BYTES_MAX,
  ENDPOINT_MAX_LENGTH,
  REGION,
  type CloudProvider as Provider,
} from '../../domain/connection.ts'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import { reasonsIn } from '../../domain/reasons.ts'
import {
  ConnectionCredentialsRefused,
  ConnectionLimitExceeded,
  ConnectionNotFound,
  EndpointNotAllowed,
  InvalidName,
} from '../../domain/refusals.ts'
import { readQuotas, UPSTREAM_QUOTA_KINDS, type UpstreamQuota as Quota } from '../../domain/upstream-quota.ts'
import { CONNECTION_ORDERS } from '../../reads/reads.ts'
import type { GivenCredentials } from '../../services/connection-credentials.ts'
import { areCredentials, type ShownConnection } from '../../services/connections.ts'
import { builder } from '../builder.ts'
import { connect } from '../connection.ts'
import { badUserInput } from '../errors.ts'
import { costing } from '../hints.ts'
import { idOf } from '../id-argument.ts'
import { CloudProvider, ConnectionFilter, ConnectionState, described } from './connection-enums.ts'
import { Connection } from './nodes.ts'
import { Reason, SENTENCES } from './reason.ts'

const UpstreamQuotaKind = builder.enumType('UpstreamQuotaKind', {
  description: 'What a quota of a cloud counts.',
  values: described(UPSTREAM_QUOTA_KINDS),
})

const UpstreamQuota = builder.objectRef<Quota>('UpstreamQuota').implement({
  description: 'What an account of a cloud uses of one of its quotas in a region.',
  fields: (t) => ({
    kind: t.expose('kind', { type: UpstreamQuotaKind, description: 'What it counts.' }),
    used: t.exposeInt('used', { description: 'How much is used.' }),
    limit: t.exposeInt('limit', {
      nullable: true,
      description: 'How much is allowed; null if the cloud names no limit for the whole account.',
    }),
  }),
})

builder.node(Connection, {
  description:
    'An account of a cloud in one of its regions. Its credentials can be set and replaced, never read.',
  id: { resolve: ({ id }) => id, description: 'Global id: `con-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.connection(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    provider: t.expose('provider', { type: CloudProvider, description: 'The cloud.' }),
    region: t.exposeString('region', { description: 'The region, as the cloud names it.' }),
    endpoint: t.exposeString('endpoint', {
      nullable: true,
      description:
        "Where the cloud is, for OpenStack its identity service; null for Baidu's own endpoint of the region.",
    }),
    state: t.expose('state', { type: ConnectionState, description: 'How its last call ended.' }),
    stateReason: t.exposeString('stateReason', {
      nullable: true,
      description: "Why the state is not OK, as a sentence, partly in the cloud's own words; null otherwise.",
    }),
    stateReasons: t.field({
      ...costing(0, SENTENCES),
      type: [Reason],
      description: '`stateReason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ stateReason }) => reasonsIn(stateReason),
    }),
    stateSince: t.expose('stateSince', { type: 'DateTime', description: 'When it entered this state.' }),
    credentialsExpireAt: t.expose('credentialsExpireAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When its credentials expire, as it was known at `syncedAt`: what a temporary key of Baidu AI Cloud came with, or Keystone says ' +
        'of an application credential. Null if they do not expire, or nothing says so.',
    }),
    credentialsWarnAt: t.expose('credentialsWarnAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'From when on `credentialsExpireAt` is near: when a tenth of their life is left, at most 7 days and at least 10 minutes. ' +
        'Null if that is null.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Time of creation.' }),
    upstreamQuotas: t.field({
      ...costing(0, Object.keys(UPSTREAM_QUOTA_KINDS).length),
      type: [UpstreamQuota],
      description: "The cloud's own quotas, as they were at `syncedAt`; empty before the first comparison.",
      resolve: ({ quotas }) => readQuotas(quotas),
    }),
    syncedAt: t.expose('syncedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When all its disks and snapshots had last been compared with the cloud; null before the first time.',
    }),
  }),
})

const ConnectionConnection = builder.connectionObject(
  { type: Connection, name: 'ConnectionConnection', description: 'A page of connections to clouds.' },
  { name: 'ConnectionEdge', description: 'A connection to a cloud in a list.' },
)

const NEWEST_FIRST = { field: 'CREATED_AT', direction: 'DESC' } as const

builder.queryField('connections', (t) =>
  t.connection(
    {
      type: Connection,
      description: 'The connections of the account to clouds, newest first.',
      args: { filter: t.arg({ type: ConnectionFilter, description: 'Filter. Default: all.' }) },
      resolve: (_root, args, context, info) =>
        connect(context.reads.connections(args.filter), CONNECTION_ORDERS, NEWEST_FIRST, args, context, info),
    },
    ConnectionConnection,
  ),
)

const SECRET = z.string().min(1).max(CREDENTIALS_BYTES_MAX, 'Credentials are too long.')
const TEXT = z
  .string()
  .min(1)
  .max(
    CREDENTIAL_NAME_MAX_LENGTH,
    `Names in credentials have at most ${CREDENTIAL_NAME_MAX_LENGTH} characters.`,
  )

const BaiduKeyInput = builder.inputType('BaiduKeyInput', {
  description: 'A key of Baidu AI Cloud.',
  fields: (t) => ({
    accessKeyId: t.id({ required: true, validate: TEXT, description: 'The id of the access key.' }),
    secretAccessKey: t.string({ required: true, validate: SECRET, description: 'The secret access key.' }),
    sessionToken: t.string({
      validate: SECRET.nullish(),
      description: 'The session token of a temporary key.',
    }),
    expiration: t.field({ type: 'DateTime', description: 'When a temporary key expires, as STS says.' }),
  }),
})

const ApplicationCredentialInput = builder.inputType('ApplicationCredentialInput', {
  description: 'An application credential of OpenStack.',
  fields: (t) => ({
    id: t.id({ required: true, validate: TEXT, description: 'Its id.' }),
    secret: t.string({ required: true, validate: SECRET, description: 'Its secret.' }),
  }),
})

const KeystonePasswordInput = builder.inputType('KeystonePasswordInput', {
  description: 'A user of OpenStack in a project.',
  fields: (t) => ({
    user: t.string({ required: true, validate: TEXT, description: 'The name of the user.' }),
    userDomain: t.string({ validate: TEXT.nullish(), description: 'Its domain. Default: `Default`.' }),
    password: t.string({ required: true, validate: SECRET, description: 'The password.' }),
    project: t.string({ required: true, validate: TEXT, description: 'The name of the project.' }),
    projectDomain: t.string({ validate: TEXT.nullish(), description: 'Its domain. Default: `Default`.' }),
  }),
})

const ConnectionCredentialsInput = builder.inputType('ConnectionCredentialsInput', {
  description: 'Credentials of a connection. Exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    baiduKey: t.field({ type: BaiduKeyInput, description: 'For BAIDU.' }),
    applicationCredential: t.field({ type: ApplicationCredentialInput, description: 'For CINDER.' }),
    password: t.field({ type: KeystonePasswordInput, description: 'For CINDER.' }),
    reference: t.string({
      validate: z
        .string()
        .max(
          CREDENTIAL_REFERENCE_MAX_LENGTH,
          `A reference has at most ${CREDENTIAL_REFERENCE_MAX_LENGTH} characters.`,
        )
        .nullish(),
      description:
        'Where they are, as JSON: `env:<variable>` or `file:<path>`, if CREDENTIAL_REFERENCES allows that.',
    }),
  }),
})

const CreateConnectionInput = builder.inputType('CreateConnectionInput', {
  description: 'Input of `createConnection`.',
  fields: (t) => ({
    name: t.string({ required: true, description: `Its name: ${NAME_RULE_TEXT}` }),
    provider: t.field({ type: CloudProvider, required: true, description: 'The cloud.' }),
    region: t.string({
      required: true,
      description: 'The region, as the cloud names it: 1–63 letters A-Z and a-z, digits, - and _.',
      validate: z.string().regex(REGION, 'region must have 1–63 letters A-Z and a-z, digits, - and _.'),
    }),
    endpoint: t.string({
      description:
        "An `https://` URL. CINDER requires it: the identity service (Keystone). BAIDU: omitted for the region's own.",
      validate: z
        .url('endpoint must be a URL.')
        .max(ENDPOINT_MAX_LENGTH, `endpoint has at most ${ENDPOINT_MAX_LENGTH} characters.`)
        .nullish(),
    }),
    credentials: t.field({
      type: ConnectionCredentialsInput,
      required: true,
      description: 'The credentials. They are encrypted, and never returned.',
    }),
  }),
})

const UpdateConnectionInput = builder.inputType('UpdateConnectionInput', {
  description: 'Input of `updateConnection`. What is omitted or null stays as it is.',
  fields: (t) => ({
    connectionId: t.id({ required: true, description: 'The connection, `con-…`.' }),
    name: t.string({ description: `Its new name: ${NAME_RULE_TEXT}` }),
    credentials: t.field({ type: ConnectionCredentialsInput, description: 'Its new credentials.' }),
  }),
})

const TestConnectionInput = builder.inputType('TestConnectionInput', {
  description: 'Input of `testConnection`.',
  fields: (t) => ({
    connectionId: t.id({ required: true, description: 'The connection, `con-…`.' }),
  }),
})

const RefreshConnectionInput = builder.inputType('RefreshConnectionInput', {
  description: 'Input of `refreshConnection`.',
  fields: (t) => ({
    connectionId: t.id({ required: true, description: 'The connection, `con-…`.' }),
  }),
})

const DeleteConnectionInput = builder.inputType('DeleteConnectionInput', {
  description: 'Input of `deleteConnection`.',
  fields: (t) => ({
    connectionId: t.id({ required: true, description: 'The connection, `con-…`.' }),
  }),
})

const payload = (name: string, description: string) =>
  builder.objectRef<{ connection: ShownConnection }>(name).implement({
    description,
    fields: (t) => ({
      connection: t.expose('connection', { type: Connection, description: 'The connection after the call.' }),
    }),
  })

const CreateConnectionPayload = payload('CreateConnectionPayload', 'The connection was created.')
const UpdateConnectionPayload = payload('UpdateConnectionPayload', 'The connection was changed.')
const TestConnectionPayload = payload(
  'TestConnectionPayload',
  'The cloud was asked; the state of the connection says with what result.',
)

const RefreshConnectionPayload = payload(
  'RefreshConnectionPayload',
  'All disks and snapshots of the connection are compared with the cloud soon; `syncedAt` says when that was done.',
)

const DeleteConnectionPayload = builder
  .objectRef<{ connectionId: string }>('DeleteConnectionPayload')
  .implement({
    description:
      'The connection is gone, with its disks and snapshots in the gateway. Nothing has changed in the cloud.',
    fields: (t) => ({
      connectionId: t.exposeID('connectionId', { description: 'The id it had.' }),
    }),
  })

builder.mutationFields((t) => ({
  createConnection: t.field({
    type: CreateConnectionPayload,
    authScopes: { may: 'manageConnections' },
    description: 'Creates a connection to a cloud, UNTRIED. `testConnection` tries it.',
    errors: {
      types: [InvalidName, EndpointNotAllowed, ConnectionCredentialsRefused, ConnectionLimitExceeded],
      union: { name: 'CreateConnectionResult', description: 'The new connection, or a refusal.' },
    },
    args: { input: t.arg({ type: CreateConnectionInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { endpoint, credentials, ...input } }, { gateway, viewer }) => ({
      connection: await gateway.connections.create(viewer, {
        ...input,
        endpoint: endpoint == null ? null : new URL(endpoint),
        credentials: givenIn(credentials),
      }),
    }),
  }),
  updateConnection: t.field({
    type: UpdateConnectionPayload,
    authScopes: { may: 'manageConnections' },
    description: 'Changes the name or the credentials of a connection. New credentials make it UNTRIED.',
    errors: {
      types: [ConnectionNotFound, InvalidName, ConnectionCredentialsRefused],
      union: { name: 'UpdateConnectionResult', description: 'The changed connection, or a refusal.' },
    },
    args: { input: t.arg({ type: UpdateConnectionInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { connectionId, name, credentials } }, { gateway, viewer }) => ({
      connection: await gateway.connections.update(viewer, idOf('Connection', connectionId), {
        name: name ?? undefined,
        credentials: credentials ? givenIn(credentials) : undefined,
      }),
    }),
  }),
  testConnection: t.field({
    type: TestConnectionPayload,
    authScopes: { may: 'manageConnections' },
    description:
      'Asks the cloud for a page of disks, and notes the result as the state of the connection. It takes up to 30 s, and ' +
      'counts against RATE_CREATES.',
    errors: {
      types: [ConnectionNotFound],
      union: { name: 'TestConnectionResult', description: 'The tested connection, or a refusal.' },
    },
    args: { input: t.arg({ type: TestConnectionInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { connectionId } }, { gateway, viewer }) => ({
      connection: await gateway.connections.test(viewer, idOf('Connection', connectionId)),
    }),
  }),
  refreshConnection: t.field({
    type: RefreshConnectionPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Has all disks and snapshots of a connection compared with the cloud soon, in the background, instead of after ' +
      'CLOUD_INVENTORY_INTERVAL_MS (5 min by default). Calls in the meantime ask for the same. Counts against RATE_CREATES.',
    errors: {
      types: [ConnectionNotFound],
      union: { name: 'RefreshConnectionResult', description: 'The connection, or a refusal.' },
    },
    args: { input: t.arg({ type: RefreshConnectionInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { connectionId } }, { gateway, viewer }) => ({
      connection: await gateway.connections.refresh(viewer, idOf('Connection', connectionId)),
    }),
  }),
  deleteConnection: t.field({
    type: DeleteConnectionPayload,
    authScopes: { may: 'manageConnections' },
    description:
      'Deletes a connection with its credentials, and takes its disks and snapshots out of the gateway: they become DELETED here. ' +
      'Nothing changes in the cloud.',
    errors: {
      types: [ConnectionNotFound],
      union: {
        name: 'DeleteConnectionResult',
        description: 'The id of the deleted connection, or a refusal.',
      },
    },
    args: { input: t.arg({ type: DeleteConnectionInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input: { connectionId } }, { gateway, viewer }) => {
      await gateway.connections.remove(viewer, idOf('Connection', connectionId))
      return { connectionId }
    },
  }),
}))

type CredentialsInput = typeof ConnectionCredentialsInput.$inferInput

/** Credentials as they are kept, or an error that says nothing of them. */
function givenIn({
  baiduKey,
  applicationCredential,
  password,
  reference,
}: CredentialsInput): GivenCredentials {
  if (typeof reference === 'string') return { reference }
  const provider: Provider = baiduKey ? 'BAIDU' : 'CINDER'
  const given = Object.entries({ ...baiduKey, ...applicationCredential, ...password })
  const secret = JSON.stringify(Object.fromEntries(given.filter(([, value]) => value !== null)))
  if (Buffer.byteLength(secret) > CREDENTIALS_BYTES_MAX || !areCredentials(provider, secret))
    throw badUserInput(`Credentials are incomplete, or have more than ${CREDENTIALS_BYTES_MAX} bytes.`)
  return { secret, provider }
}
