import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSnapshotInput!) {
    createSnapshot(input: $input) {
      __typename
      ... on CreateSnapshotPayload {
        snapshot {
          id
          name
          status
          type
          disk {
            id
            status
          }
        }
        warnings {
          code
        }
      }
      ... on UserError {
        code
        message
      }
    }
  }
`

test('createSnapshot answers at once with the snapshot CREATING, and its bytes are copied afterwards', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ name: 'data-1' })

  const { data, errors } = await app.graphql(CREATE, { input: { diskId: disk.id, name: 'first' } })

  expect(errors).toBeUndefined()
  const id = data.createSnapshot.snapshot.id as string
  expect(data).toEqual({
    createSnapshot: {
      __typename: 'CreateSnapshotPayload',
      snapshot: {
        id: expect.stringMatching(/^s-[2-9a-z]{12}$/),
        name: 'first',
        status: 'CREATING',
        type: 'MANUAL',
        disk: { id: disk.id, status: 'SNAPSHOTTING' },
      },
      warnings: [],
    },
  })
  await app.runner.tick()
  const after = await app.graphql(
    `query ($id: ID!) { snapshot(id: $id) { status progress dataBytes sizeBytes consistency failureReason disk { status } } }`,
    { id },
  )
  expect(after.data).toEqual({
    snapshot: {
      status: 'COMPLETED',
      progress: 100,
      dataBytes: 1024 ** 2,
      sizeBytes: 4 * 1024 ** 2,
      consistency: 'CLEAN',
      failureReason: null,
      disk: { status: 'UNMOUNTED' },
    },
  })
  expect(await readFile(join(app.config.snapshotsDir, id, 'image'))).toEqual(await readFile(disk.path))
})
