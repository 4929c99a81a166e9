/** What a credential may do. Each role may do what those before it may. */
export const ROLES = ['VIEWER', 'OPERATOR', 'ADMIN'] as const
export type Role = (typeof ROLES)[number]

/** What takes more than reading and watching, which every role may, and the least role it takes. */
export const PERMISSIONS = {
  manageSnapshots: 'OPERATOR',
  managePolicies: 'OPERATOR',
  manageDisks: 'ADMIN',
  manageTokens: 'ADMIN',
} as const satisfies Record<string, Role>
export type Permission = keyof typeof PERMISSIONS

export function may(role: Role, permission: Permission): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(PERMISSIONS[permission])
}
