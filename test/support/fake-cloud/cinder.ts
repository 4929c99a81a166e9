import type { FakeCloud, FakeDisk, FakeSnapshot } from './engine.ts'
import type { CloudRequest, CloudResponse, Dialect } from './server.ts'

export const APPLICATION_CREDENTIAL = {
  method: 'application_credential' as const,
  id: 'fake-credential',
  secret: 'fake-credential-secret',
}

const USER = 'fedcba9876543210fedcba9876543210'
const PROJECT = '0123456789abcdef0123456789abcdef'

export interface CinderWire {
  /** How long a token is good. */
  tokenMs?: number
  /** The newest microversion below 3. */
  minor?: number
}

/** A cloud that speaks as Keystone and Cinder do, as they were recorded. */
export function cinderDialect({ tokenMs = 3_600_000, minor = 70 }: CinderWire = {}): Dialect {
  const tokens = new Map<string, number>()

  return (cloud, request, url) => {
    if (request.path === '/identity/v3/auth/tokens') return login(cloud, request, url)
    if (request.path === `/identity/v3/users/${USER}/application_credentials/${APPLICATION_CREDENTIAL.id}`)
      return ownCredential(cloud)
    if (request.path === '/volume/')
      return {
        status: 300,
        body: { versions: [{ id: 'v3.0', version: `3.${String(minor)}`, min_version: '3.0' }] },
      }
    const until = tokens.get(request.header('x-auth-token') ?? '') ?? 0
    if (until <= cloud.now())
      return {
        status: 401,
        body: { error: { code: 401, title: 'Unauthorized', message: 'Please authenticate.' } },
      }
    return route(cloud, request)
  }

  function login(cloud: FakeCloud, { body }: CloudRequest, url: string): CloudResponse {
    const { application_credential: given } = (body['auth'] as { identity: Record<string, unknown> }).identity
    const { id, secret } = (given ?? {}) as Record<string, unknown>
    if (id !== APPLICATION_CREDENTIAL.id || secret !== APPLICATION_CREDENTIAL.secret)
      return {
        status: 401,
        body: { error: { code: 401, title: 'Unauthorized', message: 'Please authenticate.' } },
      }
    const token = `token-${String(tokens.size + 1)}`
    tokens.set(token, cloud.now() + tokenMs)
    const catalog = [
      {
        type: 'volumev3',
        endpoints: [
          { interface: 'internal', region: 'RegionOne', url: 'http://internal.invalid' },
          { interface: 'public', region: 'RegionOne', url: `${url}/volume/v3/${PROJECT}` },
        ],
      },
    ]
    return {
      status: 201,
      headers: { 'x-subject-token': token },
      body: {
        token: { expires_at: new Date(cloud.now() + tokenMs).toISOString(), user: { id: USER }, catalog },
      },
    }
  }
}

const ownCredential = (cloud: FakeCloud): CloudResponse => ({
  status: 200,
  body: {
    application_credential: {
      id: APPLICATION_CREDENTIAL.id,
      expires_at: cloud.credentialsEndAt === null ? null : naive(cloud.credentialsEndAt),
    },
  },
})

function route(cloud: FakeCloud, request: CloudRequest): CloudResponse {
  const [, , , project, kind, id, more] = request.path.split('/')
  const { method, query, body } = request
  if (project !== PROJECT) return { status: 400, body: failure('badRequest', 400, 'Malformed request url') }
  if (kind === 'limits') return limits(cloud)
  if (kind === 'messages') return messages(cloud, query)
  if (kind === 'snapshots' && id === 'detail') {
    const all = [...cloud.snapshots.values()].filter(
      (row) => cloud.visible(row.id) && (query.get('volume_id') ?? row.diskId) === row.diskId,
    )
    return list(cloud, 'snapshots', all, request, (row) => snapshotRow(cloud, row))
  }
  if (kind === 'volumes' && id === 'detail')
    return list(cloud, 'volumes', [...cloud.disks.values()], request, diskRow)
  if (kind === 'snapshots' && method === 'POST') return createSnapshot(cloud, request)
  if (kind === 'snapshots') return snapshotCall(cloud, method, id ?? '', body)
  if (kind === 'volumes' && method === 'POST' && more === undefined) return createDisk(cloud, body)
  if (kind === 'volumes') return diskCall(cloud, request, id ?? '', more)
  return { status: 404, body: '<h1>Not Found</h1>' }
}

function createSnapshot(cloud: FakeCloud, { body, header }: CloudRequest): CloudResponse {
  const { volume_id, name, description, metadata, force } = body['snapshot'] as Record<string, unknown>
  const minor = Number(/3\.(\d+)/.exec(header('openstack-api-version') ?? '')?.[1] ?? 0)
  const disk = cloud.disks.get(String(volume_id))
  if (!disk) return { status: 404, body: failure('itemNotFound', 404, 'Volume could not be found.') }
  if (String(name).length > 255) return bad('name has 256 characters, more than 255.')
  if (minor >= 66 && force !== undefined) return bad('force is not valid with this microversion.')
  const allowed = ['available', ...(minor >= 66 || force === true ? ['in-use'] : [])]
  if (!allowed.includes(disk.status))
    return bad(`Invalid volume: Volume status must be available, but current status is: ${disk.status}.`)
  if ([...cloud.snapshots.values()].filter(({ deleted }) => !deleted).length >= cloud.snapshotLimit)
    return {
      status: 413,
      headers: { 'retry-after': '0', 'x-openstack-request-id': 'req-2' },
      body: failure('overLimit', 413, 'SnapshotLimitExceeded: Maximum number of snapshots allowed exceeded'),
    }
  const snapshot = cloud.snapshot('', disk.id, {
    name: String(name),
    description: String(description),
    metadata: metadata as Record<string, string>,
  })
  return {
    status: 202,
    headers: { 'x-openstack-request-id': 'req-1' },
    body: { snapshot: snapshotRow(cloud, snapshot) },
  }
}

function snapshotCall(
  cloud: FakeCloud,
  method: string,
  id: string,
  body: CloudRequest['body'],
): CloudResponse {
  const snapshot = cloud.visible(id)
  if (!snapshot) return { status: 404, body: failure('itemNotFound', 404, 'Snapshot could not be found.') }
  if (method === 'PUT') Object.assign(snapshot, body['snapshot'])
  else if (method === 'DELETE') {
    if (cloud.stage(snapshot) === 'CREATING')
      return bad('Invalid snapshot: Snapshot status must be available or error.')
    snapshot.deleted = !cloud.faults.deletesIgnored
    return { status: 202, body: '' }
  }
  return { status: 200, body: { snapshot: snapshotRow(cloud, snapshot) } }
}

function createDisk(cloud: FakeCloud, body: CloudRequest['body']): CloudResponse {
  const { snapshot_id, name, size } = body['volume'] as Record<string, unknown>
  if (!cloud.visible(String(snapshot_id)))
    return { status: 404, body: failure('itemNotFound', 404, 'Snapshot could not be found.') }
  return {
    status: 202,
    body: { volume: diskRow(cloud.disk('', 'available', { name: String(name), sizeGiB: Number(size) })) },
  }
}

function diskCall(
  cloud: FakeCloud,
  { method, query, body }: CloudRequest,
  id: string,
  more: string | undefined,
): CloudResponse {
  const disk = cloud.disks.get(id)
  if (!disk) return { status: 404, body: failure('itemNotFound', 404, 'Volume could not be found.') }
  if (method === 'GET') return { status: 200, body: { volume: diskRow(disk) } }
  if (method === 'DELETE') {
    if (cloud.snapshotsOf(id).length > 0 && !query.has('cascade'))
      return bad('Invalid volume: Volume has dependent snapshots.')
    cloud.disks.delete(id)
    return { status: 202, body: '' }
  }
  if (more === 'action' && body['os-extend'])
    disk.sizeGiB = Number((body['os-extend'] as Record<string, unknown>)['new_size'])
  if (more === 'action' && body['revert'] && disk.status !== 'available')
    return bad('Invalid volume: Volume status must be available to revert.')
  return { status: 202, body: '' }
}

function list<Row extends { id: string }>(
  cloud: FakeCloud,
  name: string,
  all: readonly Row[],
  { path, query }: CloudRequest,
  row: (row: Row) => object,
): CloudResponse {
  const page = cloud.page(all, query.get('marker'), Number(query.get('limit') ?? 1_000))
  if (page === 'MARKER_REFUSED') return { status: 404, body: failure('itemNotFound', 404, 'No such marker.') }
  const href = `http://elsewhere.invalid${path}?limit=1000&marker=${page.next ?? ''}`
  return {
    status: 200,
    body: {
      [name]: page.rows.map(row),
      ...(page.next !== undefined && { [`${name}_links`]: [{ rel: 'next', href }] }),
    },
  }
}

const snapshotRow = (cloud: FakeCloud, snapshot: FakeSnapshot) => ({
  id: snapshot.id,
  name: snapshot.name,
  description: snapshot.description,
  volume_id: snapshot.diskId,
  status: { CREATING: 'creating', DONE: 'available', FAILED: 'error' }[cloud.stage(snapshot)],
  size: snapshot.sizeGiB,
  metadata: snapshot.metadata,
  created_at: naive(snapshot.createdAt),
  updated_at: cloud.stage(snapshot) === 'CREATING' ? null : naive(snapshot.doneAt),
  'os-extended-snapshot-attributes:progress': cloud.stage(snapshot) === 'CREATING' ? '0%' : '100%',
})

const diskRow = (disk: FakeDisk) => ({
  id: disk.id,
  name: disk.name,
  status: disk.status,
  size: disk.sizeGiB,
  bootable: String(disk.system),
  volume_type: 'nfs1',
  availability_zone: 'nova',
  created_at: naive(disk.createdAt),
  attachments:
    disk.instanceId === null
      ? []
      : [{ server_id: disk.instanceId, device: disk.system ? '/dev/vda' : '/dev/vdb' }],
})

function messages(cloud: FakeCloud, query: URLSearchParams): CloudResponse {
  const snapshot = cloud.snapshots.get(query.get('resource_uuid') ?? '')
  const isFailed = snapshot && cloud.stage(snapshot) === 'FAILED'
  const failed = isFailed && cloud.now() >= snapshot.doneAt + (cloud.faults.messagesAfterMs ?? 0)
  return {
    status: 200,
    body: { messages: failed ? [{ user_message: 'create snapshot: the driver reported an error.' }] : [] },
  }
}

const limits = (cloud: FakeCloud): CloudResponse => ({
  status: 200,
  body: {
    limits: {
      absolute: {
        totalSnapshotsUsed: [...cloud.snapshots.values()].filter(({ deleted }) => !deleted).length,
        maxTotalSnapshots: cloud.snapshotLimit,
        totalGigabytesUsed: 20,
        maxTotalVolumeGigabytes: -1,
      },
    },
  },
})

const bad = (message: string): CloudResponse => ({ status: 400, body: failure('badRequest', 400, message) })

const failure = (kind: string, code: number, message: string) => ({ [kind]: { code, message } })

/** Without a zone, as Cinder writes UTC. */
const naive = (at: number): string => new Date(at).toISOString().replace('Z', '000')
