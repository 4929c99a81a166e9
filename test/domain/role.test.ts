import { expect, test } from 'vitest'
import { may, PERMISSIONS, roleNamed, ROLES, type Permission } from '../../src/domain/role.ts'

test.each<[Permission, allowed: string[]]>([
  ['manageSnapshots', ['OPERATOR', 'ADMIN']],
  ['managePolicies', ['OPERATOR', 'ADMIN']],
  ['manageDisks', ['ADMIN']],
  ['manageTokens', ['ADMIN']],
  ['manageConnections', ['ADMIN']],
])('%s takes one of the roles %j', (permission, allowed) => {
  expect(ROLES.filter((role) => may(role, permission))).toEqual(allowed)
})

test('every permission is tried above', () => {
  expect(Object.keys(PERMISSIONS)).toHaveLength(5)
})

test.each([
  ['ADMIN', 'ADMIN'],
  ['admin', 'ADMIN'],
  ['Operator', 'OPERATOR'],
  ['vIEWER', 'VIEWER'],
  ['admın', undefined],
  ['ADMİN', undefined],
  ['vıewer', undefined],
  ['ａｄｍｉｎ', undefined],
  ['аdmin', undefined],
  ['admin\u0301', undefined],
  ['admin ', undefined],
  ['admin\n', undefined],
  ['', undefined],
  ['constructor', undefined],
])('%j names the role %j, and letters outside ASCII name none', (name, role) => {
  expect(roleNamed(name)).toBe(role)
})
