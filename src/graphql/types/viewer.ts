import type { Account as AccountRow } from '../../generated/prisma/client.ts'
import {
  may,
  PERMISSIONS,
  ROLES,
  type Permission as PermissionName,
  type Role as RoleName,
} from '../../domain/role.ts'
import { actorOf, type Viewer as ViewerFacts } from '../../services/viewer.ts'
import { builder } from '../builder.ts'
import { Actor } from './activity.ts'

/** What each permission is for, in descriptions. */
const WHAT: Record<PermissionName, string> = {
  manageSnapshots: 'snapshots',
  managePolicies: 'automatic snapshot policies',
  manageDisks: 'disks',
  manageTokens: 'API tokens',
  manageConnections: 'connections to clouds',
}

function description(role: RoleName): string {
  const own = (Object.keys(PERMISSIONS) as PermissionName[]).filter(
    (permission) => PERMISSIONS[permission] === role,
  )
  const before = ROLES[ROLES.indexOf(role) - 1]
  return before === undefined
    ? 'Can read and watch.'
    : `Can also change ${own.map((permission) => WHAT[permission]).join(' and ')}. Includes ${before}.`
}

export const Role = builder.enumType('Role', {
  description: 'Role of a credential within its account.',
  values: {
    VIEWER: { description: description('VIEWER') },
    OPERATOR: { description: description('OPERATOR') },
    ADMIN: { description: description('ADMIN') },
  },
} as const)

const Account = builder.objectRef<AccountRow>('Account').implement({
  description: 'The owner of disks, snapshots, policies and tokens. Nothing of another account is visible.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id: `acc-` and at least 8 letters and digits.' }),
    name: t.exposeString('name', { description: 'Its unique name, used by commands and in JWTs.' }),
  }),
})

const Permission = builder.objectRef<{ role: RoleName; permission: PermissionName }>('Permission').implement({
  description: 'A permission beyond reading and watching, which every role has.',
  fields: (t) => ({
    allowed: t.boolean({
      description: "Whether the viewer's role has it. Without it, the mutation fails with FORBIDDEN.",
      resolve: ({ role, permission }) => may(role, permission),
    }),
    role: t.field({
      type: Role,
      description: 'The lowest role that has it.',
      resolve: ({ permission }) => PERMISSIONS[permission],
    }),
  }),
})

const Permissions = builder.objectRef<{ role: RoleName }>('Permissions').implement({
  description: "The permissions of the viewer's role. Same rule as the mutations.",
  fields: (t) => {
    const permission = (name: PermissionName) =>
      t.field({
        type: Permission,
        description: `Whether the viewer can change ${WHAT[name]}.`,
        resolve: ({ role }) => ({ role, permission: name }),
      })
    return {
      manageSnapshots: permission('manageSnapshots'),
      managePolicies: permission('managePolicies'),
      manageDisks: permission('manageDisks'),
      manageTokens: permission('manageTokens'),
      manageConnections: permission('manageConnections'),
    }
  },
})

const Viewer = builder.objectRef<ViewerFacts>('Viewer').implement({
  description: 'The account and role that the request is made with, from its credential.',
  fields: (t) => ({
    account: t.field({
      type: Account,
      description: 'The account that all queries, mutations and subscriptions apply to.',
      resolve: (_viewer, _args, { reads }) => reads.account(),
    }),
    role: t.expose('role', { type: Role, description: 'The role in the account.' }),
    actor: t.field({
      type: Actor,
      description:
        'Who changes with this credential are recorded as, in activity and transitions. Without a `requestId`, which each ' +
        'request has its own of.',
      resolve: (viewer) => actorOf(viewer),
    }),
    may: t.field({
      type: Permissions,
      description: 'The permissions of the role.',
      resolve: ({ role }) => ({ role }),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the credential expires and its streams end; null if it does not expire.',
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'The account and role of this request.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
