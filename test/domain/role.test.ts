import { expect, test } from 'vitest'
import { may, PERMISSIONS, ROLES, type Permission } from '../../src/domain/role.ts'

test.each<[Permission, allowed: string[]]>([
  ['manageSnapshots', ['OPERATOR', 'ADMIN']],
  ['managePolicies', ['OPERATOR', 'ADMIN']],
  ['manageDisks', ['ADMIN']],
  ['manageTokens', ['ADMIN']],
])('%s takes one of the roles %j', (permission, allowed) => {
  expect(ROLES.filter((role) => may(role, permission))).toEqual(allowed)
})

test('every permission is tried above', () => {
  expect(Object.keys(PERMISSIONS)).toHaveLength(4)
})
