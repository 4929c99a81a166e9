/** What a credential may do. Each role may do what those before it may. */
export const ROLES = ['VIEWER', 'OPERATOR', 'ADMIN'] as const
export type Role = (typeof ROLES)[number]

/** The role of this name, in capitals or not; undefined when there is none. Letters outside ASCII name no role. */
export function roleNamed(name: string): Role | undefined {
  // Some become ASCII letters in capitals: a dotless i, a long s.
  return /^[A-Za-z]+$/.test(name) ? ROLES.find((role) => role === name.toUpperCase()) : undefined
}

/** What takes more than reading and watching, which every role may, and the least role it takes. */
export const PERMISSIONS = {
  manageSnapshots: 'OPERATOR',
  managePolicies: 'OPERATOR',
  manageDisks: 'ADMIN',
  manageTokens: 'ADMIN',
  manageConnections: 'ADMIN',
} as const satisfies Record<string, Role>
export type Permission = keyof typeof PERMISSIONS

export function may(role: Role, permission: Permission): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(PERMISSIONS[permission])
}
