import type { Account as AccountRow } from '../../generated/prisma/client.ts'
import {
  may,
  PERMISSIONS,
  ROLES,
  type Permission as PermissionName,
  type Role as RoleName,
} from '../../domain/role.ts'
import type { Viewer as ViewerFacts } from '../../services/viewer.ts'
import { builder } from '../builder.ts'

/** What each permission is for, in descriptions. */
const WHAT: Record<PermissionName, string> = {
  manageSnapshots: 'snapshots',
  managePolicies: 'automatic snapshot policies',
  manageDisks: 'disks',
  manageTokens: 'API tokens',
}

function description(role: RoleName): string {
  const own = (Object.keys(PERMISSIONS) as PermissionName[]).filter(
    (permission) => PERMISSIONS[permission] === role,
  )
  const before = ROLES[ROLES.indexOf(role) - 1]
  return before === undefined
    ? 'Reads and watches; changes nothing.'
    : `Changes ${own.map((permission) => WHAT[permission]).join(' and ')}; may do whatever ${before} may.`
}

export const Role = builder.enumType('Role', {
  description: 'What a credential may do in its account.',
  values: {
    VIEWER: { description: description('VIEWER') },
    OPERATOR: { description: description('OPERATOR') },
    ADMIN: { description: description('ADMIN') },
  },
} as const)

const Account = builder.objectRef<AccountRow>('Account').implement({
  description:
    'Whom disks, snapshots and everything else belong to. Nobody sees anything of another account.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id, `acc-` and at least 8 letters and digits.' }),
    name: t.exposeString('name', { description: 'Its name, by which commands and JWTs know it; unique.' }),
  }),
})

const Permission = builder.objectRef<{ role: RoleName; permission: PermissionName }>('Permission').implement({
  description: 'Whether something may be done beyond reading and watching, which everybody may.',
  fields: (t) => ({
    allowed: t.boolean({
      description: 'Whether the role of the viewer has it. Without it the answer is the error FORBIDDEN.',
      resolve: ({ role, permission }) => may(role, permission),
    }),
    role: t.field({
      type: Role,
      description: 'The least role that has it.',
      resolve: ({ permission }) => PERMISSIONS[permission],
    }),
  }),
})

const Permissions = builder.objectRef<{ role: RoleName }>('Permissions').implement({
  description: 'What the role of the viewer allows, by the rule that every mutation asks.',
  fields: (t) => {
    const permission = (name: PermissionName) =>
      t.field({
        type: Permission,
        description: `Whether the viewer may change ${WHAT[name]}.`,
        resolve: ({ role }) => ({ role, permission: name }),
      })
    return {
      manageSnapshots: permission('manageSnapshots'),
      managePolicies: permission('managePolicies'),
      manageDisks: permission('manageDisks'),
      manageTokens: permission('manageTokens'),
    }
  },
})

const Viewer = builder.objectRef<ViewerFacts>('Viewer').implement({
  description: 'On whose behalf the request is made, by the credential that came with it.',
  fields: (t) => ({
    account: t.field({
      type: Account,
      description: 'The account: all that is read, watched and changed is in it.',
      resolve: (_viewer, _args, { reads }) => reads.account(),
    }),
    role: t.expose('role', { type: Role, description: 'What may be done in it.' }),
    may: t.field({
      type: Permissions,
      description: 'What that comes to, permission by permission.',
      resolve: ({ role }) => ({ role }),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'From when on the credential is refused, and its streams end; null when it does not expire.',
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'On whose behalf this request is made.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
