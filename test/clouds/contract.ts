import { expect, test } from 'vitest'
import type { TestApp } from '../support/app.ts'

/** A gateway with a connection to a cloud, and what others do in that cloud. All ids are the cloud's own. */
export interface CloudPeer extends AsyncDisposable {
  app: TestApp
  connectionId: string
  /** A new disk that nothing uses. */
  disk: (name: string) => Promise<string>
  /** Attaches a disk to an instance, in a way that makes the cloud accept snapshots of it and fail them later. */
  attach: (diskId: string) => Promise<void>
  /** What the cloud says of such a failure. */
  failure: RegExp
  snapshot: (diskId: string, name: string) => Promise<string>
  rename: (snapshotId: string, name: string) => Promise<void>
  delete: (snapshotId: string) => Promise<void>
  snapshotsOf: (diskId: string) => Promise<{ id: string; name: string }[]>
  /** Whether the cloud allows further snapshots. */
  setFull: (isFull: boolean) => Promise<void>
  /** The next snapshot is created, and the answer to its request lost. */
  loseNextAnswer: () => void
  goDown: () => Promise<void>
  comeBack: () => Promise<void>
  /** Lets time pass, for what the gateway believes only after a while. */
  later: (ms: number) => void
  /** Lets the gateway look at the cloud until an assertion holds. */
  until: (fact: () => void | Promise<void>) => Promise<void>
}

const CREATE = `mutation ($diskId: ID!, $name: String!) { answer: createSnapshot(input: { diskId: $diskId, name: $name }) {
  ... on CreateSnapshotPayload { snapshot { id status stalledSince } }
  ... on UserError { code message }
  ... on UpstreamRefused { class upstreamCode upstreamMessage requestId snapshotId }
} }`
const RENAME = `mutation ($id: ID!, $name: String!) { answer: updateSnapshot(input: { snapshotId: $id, name: $name }) {
  ... on UpdateSnapshotPayload { snapshot { name } } ... on UserError { message }
} }`
const DELETE = `mutation ($id: ID!) { answer: deleteSnapshot(input: { snapshotId: $id }) {
  ... on DeleteSnapshotPayload { snapshot { status } } ... on UserError { message }
} }`
const SNAPSHOT = `query ($id: ID!) { snapshot(id: $id) {
  name status origin failureReason stalledSince stallReason upstream { id } transitions { to }
} }`
const STATE = 'query ($id: ID!) { connection: node(id: $id) { ... on Connection { state stateReason } } }'
const REFRESH = `mutation ($id: ID!) { refreshConnection(input: { connectionId: $id }) { __typename } }`
const WATCH = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
const CREATED = {
  snapshot: { id: expect.any(String), status: expect.stringMatching(/^(CREATING|COMPLETED)$/) },
}

async function ask({ app }: CloudPeer, text: string, variables: object): Promise<any> {
  const { data, errors } = await app.graphql(text, { ...variables })
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

/** The gateway's id of a disk that it is to show soon. */
async function shown(peer: CloudPeer, diskId: string): Promise<string> {
  const { connectionId, app } = peer
  const find = () => app.db.disk.findFirst({ where: { connectionId, externalId: diskId } })
  await peer.until(async () => expect(await find()).toMatchObject({ status: 'UNMOUNTED' }))
  return (await find())?.id ?? ''
}

const rowOf = ({ app, connectionId }: CloudPeer, snapshotId: string) =>
  app.db.snapshot.findFirst({ where: { connectionId, externalId: snapshotId } })

const create = async (peer: CloudPeer, diskId: string, name: string) =>
  (await ask(peer, CREATE, { diskId, name })).answer

const snapshotOf = async (peer: CloudPeer, id: string) => (await ask(peer, SNAPSHOT, { id })).snapshot

/** What a gateway with a connection to a cloud does, whichever cloud that is. */
export function cloudContract(start: () => Promise<CloudPeer>): void {
  test('a snapshot is created, its end is pushed, and it is renamed and deleted in the cloud', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const diskId = await shown(peer, external)
    const answer = await create(peer, diskId, 'mine')
    expect(answer).toMatchObject(CREATED)
    const { id } = answer.snapshot as { id: string }
    const pushed: string[] = []
    const watching = (async () => {
      for await (const { data } of peer.app.sse(WATCH, { id })) pushed.push(data.snapshotStatus.to)
    })()
    await peer.until(() => expect(pushed).toEqual(['CREATING', 'COMPLETED']))
    await watching
    const [made, ...others] = await peer.snapshotsOf(external)
    expect([made?.name, others]).toEqual(['mine', []])
    expect(await snapshotOf(peer, id)).toMatchObject({
      status: 'COMPLETED',
      origin: 'GATEWAY',
      upstream: { id: made?.id },
    })

    const renamed = await ask(peer, RENAME, { id, name: 'yours' })
    expect(renamed.answer).toEqual({ snapshot: { name: 'yours' } })
    expect(await peer.snapshotsOf(external)).toEqual([{ id: made?.id, name: 'yours' }])

    expect((await ask(peer, DELETE, { id })).answer).toEqual({ snapshot: { status: 'DELETING' } })
    await peer.until(async () => expect(await snapshotOf(peer, id)).toBeNull())
    expect(await peer.snapshotsOf(external)).toEqual([])
  })

  test('a create whose answer is lost is one snapshot', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const diskId = await shown(peer, external)
    peer.loseNextAnswer()
    const { snapshot } = await create(peer, diskId, 'lost')
    expect(snapshot).toMatchObject({ status: 'CREATING' })
    await peer.until(async () => expect((await snapshotOf(peer, snapshot.id)).status).toBe('COMPLETED'))
    const [made, ...others] = await peer.snapshotsOf(external)
    expect([made?.name, others]).toEqual(['lost', []])
    expect(await snapshotOf(peer, snapshot.id)).toMatchObject({
      upstream: { id: made?.id },
      stalledSince: null,
      transitions: [{ to: 'CREATING' }, { to: 'COMPLETED' }],
    })
  })

  test('what others create, rename and delete in the cloud appears', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const id = await peer.snapshot(external, 'theirs')
    await peer.until(async () =>
      expect(await rowOf(peer, id)).toMatchObject({ name: 'theirs', status: 'COMPLETED', origin: 'OUTSIDE' }),
    )
    await peer.rename(id, 'renamed')
    await peer.until(async () => expect(await rowOf(peer, id)).toMatchObject({ name: 'renamed' }))
    await peer.delete(id)
    peer.later(61_000)
    await peer.until(async () => expect(await rowOf(peer, id)).toBeNull())
    expect(
      await peer.app.db.snapshotTransition.findFirst({
        orderBy: { position: 'desc' },
        where: { to: 'DELETED' },
      }),
    ).toMatchObject({ reason: 'Deleted outside of this gateway.' })
  })

  test('a full quota of the cloud is a refusal with its code and the id of the request', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const diskId = await shown(peer, external)
    await peer.setFull(true)
    const answer = await create(peer, diskId, 'one too many')
    expect(answer).toEqual({
      code: 'UPSTREAM_REFUSED',
      message: expect.stringContaining('The cloud refused: '),
      class: 'QUOTA',
      upstreamCode: expect.stringMatching(/./),
      upstreamMessage: expect.stringMatching(/./),
      requestId: expect.stringMatching(/./),
      snapshotId: expect.any(String),
    })
    expect(await snapshotOf(peer, answer.snapshotId)).toMatchObject({
      status: 'FAILED',
      upstream: { id: null },
    })
    await peer.setFull(false)
    await shown(peer, external)
    expect(await create(peer, diskId, 'fits')).toMatchObject(CREATED)
  })

  test('a snapshot of a disk in use that the cloud accepts and then fails is FAILED, with the reason', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const diskId = await shown(peer, external)
    await peer.attach(external)
    const answer = await create(peer, diskId, 'doomed')
    expect(answer).toMatchObject({ snapshot: { status: 'CREATING' } })
    const { id } = answer.snapshot as { id: string }
    await peer.until(async () => expect((await snapshotOf(peer, id)).status).toBe('FAILED'))
    expect(await snapshotOf(peer, id)).toMatchObject({
      failureReason: expect.stringMatching(peer.failure),
      transitions: [{ to: 'CREATING' }, { to: 'FAILED' }],
    })
  })

  test('a cloud that goes away delays snapshots, says why, and loses none', async () => {
    await using peer = await start()
    const external = await peer.disk('data')
    const diskId = await shown(peer, external)
    await peer.goDown()
    const { snapshot } = await create(peer, diskId, 'patient')
    expect(snapshot).toMatchObject({ status: 'CREATING', stalledSince: expect.any(String) })
    await peer.until(async () =>
      expect((await ask(peer, STATE, { id: peer.connectionId })).connection).toMatchObject({
        state: 'UNREACHABLE',
        stateReason: expect.any(String),
      }),
    )
    expect(await snapshotOf(peer, snapshot.id)).toMatchObject({
      status: 'CREATING',
      stallReason: expect.stringMatching(/./),
    })
    await peer.comeBack()
    peer.later(61_000)
    // An operator need not wait for the next attempt.
    await ask(peer, REFRESH, { id: peer.connectionId })
    await peer.until(async () => expect((await snapshotOf(peer, snapshot.id)).status).toBe('COMPLETED'))
    expect(await peer.snapshotsOf(external)).toMatchObject([{ name: 'patient' }])
    expect((await ask(peer, STATE, { id: peer.connectionId })).connection).toEqual({
      state: 'OK',
      stateReason: null,
    })
  })
}
