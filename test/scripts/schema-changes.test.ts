import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RELEASED } from '../../scripts/released.ts'
import { breakingChanges } from '../../scripts/schema-changes.ts'
import { printSdl } from '../../src/graphql/schema.ts'

const RELEASED_SDL = `
  interface Node { id: ID! }
  type Query { disk(id: ID!, old: String @deprecated(reason: "Nothing reads it."), kind: Kind): Disk, node(id: ID!): Node }
  type Disk implements Node { id: ID!, name: String!, label: Label @deprecated(reason: "Use name.") }
  type Label { text: String! }
  enum Kind { DATA SYSTEM @deprecated(reason: "Use DATA.") }
  input Filter { name: String, label: String @deprecated(reason: "Use name.") }
  type Mutation { find(filter: Filter): Disk }
`

const changed = (from: string, to: string) => {
  expect(RELEASED_SDL).toContain(from)
  return RELEASED_SDL.replace(from, to)
}
const LABEL = ', label: Label @deprecated(reason: "Use name.")'

test.each([
  [
    'a field is removed',
    changed(' name: String!,', ''),
    ["Field 'name' was removed from object type 'Disk'"],
  ],
  [
    'a field becomes nullable',
    changed('name: String!', 'name: String'),
    ["Field 'Disk.name' changed type from 'String!' to 'String'"],
  ],
  [
    'a deprecated field changes its type',
    changed('label: Label', 'label: String'),
    ["Field 'Disk.label' changed type from 'Label' to 'String'"],
  ],
  [
    'an argument becomes required',
    changed('kind: Kind', 'kind: Kind!'),
    ["Type for argument 'kind' on field 'Query.disk' changed from 'Kind' to 'Kind!'"],
  ],
  ['a value of an enum is removed', changed('DATA ', ''), ["Enum value 'DATA' was removed from enum 'Kind'"]],
  [
    'a type is removed that something leads to',
    changed(', node(id: ID!): Node', '').replaceAll(/interface Node .*|implements Node/g, ''),
    [
      "Field 'node' was removed from object type 'Query'",
      "'Disk' object type no longer implements 'Node' interface",
      "Type 'Node' was removed",
    ],
  ],
])('a change breaks the released schema: %s', async (_what, current, messages) => {
  expect((await breakingChanges(RELEASED_SDL, current)).toSorted()).toEqual(messages.toSorted())
})

test.each([
  ['nothing is changed', RELEASED_SDL],
  ['a field is added', changed('name: String!', 'name: String!, note: String')],
  ['an optional argument is added', changed('kind: Kind', 'kind: Kind, note: String')],
  [
    'a description and a deprecation are added',
    changed('name: String!', '"Its name." name: String! @deprecated(reason: "Use id.")'),
  ],
  ['a deprecated field is removed', changed(LABEL, '')],
  [
    'a deprecated field is removed with its type',
    changed(LABEL, '').replace('type Label { text: String! }', ''),
  ],
  ['a deprecated argument is removed', changed(', old: String @deprecated(reason: "Nothing reads it.")', '')],
  ['a deprecated value is removed', changed(' SYSTEM @deprecated(reason: "Use DATA.")', '')],
  [
    'a deprecated field of an input is removed',
    changed(', label: String @deprecated(reason: "Use name.")', ''),
  ],
])('a change breaks nothing that was released: %s', async (_what, current) => {
  expect(await breakingChanges(RELEASED_SDL, current)).toEqual([])
})

test('a field of a released schema that was not deprecated cannot be removed from this one', async () => {
  const sdl = printSdl()
  const released = await readFile(RELEASED, 'utf8')
  expect(await breakingChanges(released, sdl)).toEqual([])
  const without = sdl.replace(/^ {2}"""[^"]*"""\n {2}streamCursor: String!\n/m, '')
  expect(without).not.toBe(sdl)
  expect(await breakingChanges(sdl, without)).toEqual([
    expect.stringContaining("Field 'streamCursor' was removed"),
  ])
})
