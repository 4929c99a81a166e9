import { expect, test } from 'vitest'
import { addressOf, clientAddress } from '../../../src/server/limits/address.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7', '::ffff:192.0.2.7'],
  ['2001:db8::1', '2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  [undefined, null, ''],
])('of the peer %s, %s is recorded with activity and %s counted by limits', (peer, recorded, counted) => {
  const socket = { remoteAddress: peer }
  expect([clientAddress(socket), addressOf(socket)]).toEqual([recorded, counted])
})
