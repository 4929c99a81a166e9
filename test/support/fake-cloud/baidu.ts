import { createHmac } from 'node:crypto'
import type { FakeCloud, FakeDisk, FakePolicy, FakeSnapshot } from './engine.ts'
import { textOf, type CloudRequest, type CloudResponse, type Dialect } from './server.ts'

/** A temporary key of STS, which is good until then. */
export const temporaryKey = (until: number) => ({
  ...BAIDU_KEY,
  sessionToken: `until-${String(until)}`,
  expiration: seconds(until),
})

export const BAIDU_KEY = { accessKeyId: 'fake-access-key', secretAccessKey: 'fake-secret-key' }

const EXPIRED_AFTER_MS = 30 * 60_000

/** A cloud that speaks as Baidu's does, and believes no request without the right signature. */
export function baiduDialect(): Dialect {
  const tokens = new Map<string, { body: string; answer: CloudResponse }>()

  return (cloud, request) => {
    const refused = signatureProblem(cloud, request)
    if (refused) return refused
    const token = request.query.get('clientToken')
    const body = JSON.stringify(request.body)
    if (cloud.faults.tokensForgotten) tokens.clear()
    if (token !== null && cloud.faults.nextTokenRefused) {
      cloud.faults.nextTokenRefused = false
      return failure(403, 'IdempotentParameterMismatch', 'The token was used.')
    }
    const known = token === null ? undefined : tokens.get(token)
    if (known)
      return known.body === body
        ? known.answer
        : failure(403, 'IdempotentParameterMismatch', 'The token was used.')
    const answer = route(cloud, request)
    if (token !== null && answer.status === 200) tokens.set(token, { body, answer })
    return answer
  }
}

function route(cloud: FakeCloud, request: CloudRequest): CloudResponse {
  const [, , kind = '', id] = request.path.split('/')
  const { method, query, body } = request
  if (kind === 'snapshot' && id === 'chain') return chains(cloud)
  if (kind === 'asp') return policies(cloud, id, query)
  if (kind === 'instance') return instances(cloud, query)
  if (kind === 'snapshot' && method === 'GET' && id === undefined) {
    const all = [...cloud.snapshots.values()].filter(
      ({ id: snapshotId, diskId }) =>
        cloud.visible(snapshotId) && (query.get('volumeId') ?? diskId) === diskId,
    )
    return list(cloud, 'snapshots', all, query, (row) => snapshotRow(cloud, row))
  }
  if (kind === 'volume' && method === 'GET' && id === undefined)
    return list(cloud, 'volumes', [...cloud.disks.values()], query, (row) => diskRow(cloud, row))
  if (kind === 'snapshot' && method === 'POST') return createSnapshot(cloud, body)
  if (kind === 'snapshot') return snapshotCall(cloud, method, id ?? '', body)
  if (kind === 'volume' && method === 'POST' && id === undefined) return createDisk(cloud, body)
  if (kind === 'volume') return diskCall(cloud, request, id ?? '')
  return failure(404, 'NoSuchObject', 'No such path.')
}

function createSnapshot(cloud: FakeCloud, body: CloudRequest['body']): CloudResponse {
  // The system disk of an instance goes by the instance's id.
  const disk = [...cloud.disks.values()].find(
    ({ id, system, instanceId }) => (system ? instanceId : id) === body['volumeId'],
  )
  if (!disk) return failure(404, 'NoSuchObject', 'The specified object is not found.')
  if (!/^[A-Za-z][\w\u4e00-\u9fa5\-/. ]{0,64}$/.test(String(body['snapshotName'])))
    return failure(400, 'Snapshot.SnapshotNameInvalid', 'The name of the snapshot is invalid.')
  if (!/^[\p{Script=Han}\w. \-=,，:：/。]*$/u.test(textOf(body['desc'])))
    return failure(400, 'BadRequest', 'The description has characters that are not allowed.')
  if (!['InUse', 'Available', 'Running', 'Stopped'].includes(disk.status))
    return failure(409, 'OperationDenied', 'The status of the volume does not allow it.')
  if (cloud.snapshotsOf(disk.id).length >= cloud.snapshotLimit)
    return failure(413, 'Instance.SnapshotLimitExceeded', 'The quota of snapshots is used up.')
  const snapshot = cloud.snapshot('s', disk.id, {
    name: String(body['snapshotName']),
    description: textOf(body['desc']),
  })
  return { status: 200, body: { snapshotId: snapshot.id }, headers: { 'x-bce-request-id': 'request-1' } }
}

function snapshotCall(
  cloud: FakeCloud,
  method: string,
  id: string,
  body: CloudRequest['body'],
): CloudResponse {
  const snapshot = cloud.visible(id)
  if (!snapshot) return failure(404, 'NoSuchObject', 'The specified object is not found.')
  if (method === 'GET') return { status: 200, body: { snapshot: snapshotRow(cloud, snapshot) } }
  if (method === 'PUT') {
    if ('snapshotName' in body) snapshot.name = textOf(body['snapshotName'])
    if ('desc' in body) snapshot.description = textOf(body['desc'])
    return { status: 200 }
  }
  if (cloud.stage(snapshot) === 'CREATING')
    return failure(403, 'SnapshotOperationForbidden', 'The snapshot is being created.')
  snapshot.deleted = !cloud.faults.deletesIgnored
  return { status: 200 }
}

function createDisk(cloud: FakeCloud, body: CloudRequest['body']): CloudResponse {
  if (!cloud.visible(String(body['snapshotId']))) return failure(404, 'NoSuchObject', 'No such snapshot.')
  const disk = cloud.disk('v', 'Available', {
    name: String(body['name']),
    sizeGiB: Number(body['cdsSizeInGB']),
  })
  return { status: 200, body: { volumeIds: [disk.id] } }
}

function diskCall(cloud: FakeCloud, { method, query, body }: CloudRequest, id: string): CloudResponse {
  const disk = cloud.disks.get(id)
  if (!disk) return failure(404, 'NoSuchObject', 'The specified object is not found.')
  if (method === 'GET') return { status: 200, body: { volume: diskRow(cloud, disk) } }
  if (method === 'POST') {
    if (disk.system) return failure(403, 'Volume.SystemDiskCannotBeDeleted', 'A system disk stays.')
    if (disk.status !== 'Available')
      return failure(409, 'Volume.DiskStatusCannotBeDeleted', 'The disk is in use.')
    cloud.disks.delete(id)
    return { status: 200 }
  }
  if (query.has('resize')) disk.sizeGiB = Number(body['newCdsSizeInGB'])
  else if (query.has('attach')) Object.assign(disk, { status: 'InUse', instanceId: body['instanceId'] })
  else if (query.has('detach')) Object.assign(disk, { status: 'Available', instanceId: null })
  else if (query.has('rollback') && disk.status !== 'Available')
    return failure(409, 'OperationDenied', 'The disk is attached.')
  return { status: 200 }
}

function list<Row extends { id: string }>(
  cloud: FakeCloud,
  name: string,
  all: readonly Row[],
  query: URLSearchParams,
  row: (row: Row) => object,
): CloudResponse {
  const page = cloud.page(all, query.get('marker'), Number(query.get('maxKeys') ?? 1_000))
  if (page === 'MARKER_REFUSED') return failure(400, 'BadRequest', 'The marker is invalid.')
  return {
    status: 200,
    body: {
      marker: page.rows[0]?.id ?? '',
      isTruncated: page.next !== undefined,
      ...(page.next !== undefined && !cloud.faults.nextMarkerMissing && { nextMarker: page.next }),
      maxKeys: 1_000,
      [name]: page.rows.map(row),
    },
  }
}

const snapshotRow = (cloud: FakeCloud, snapshot: FakeSnapshot) => ({
  id: snapshot.id,
  name: snapshot.name,
  sizeInGB: snapshot.sizeGiB,
  createTime: seconds(snapshot.createdAt),
  status: { CREATING: 'Creating', DONE: 'Available', FAILED: 'CreatedFailed' }[cloud.stage(snapshot)],
  createMethod: snapshot.automatic ? 'auto' : 'manual',
  volumeId: snapshot.diskId,
  desc: snapshot.description,
  progress: cloud.stage(snapshot) === 'CREATING' ? '40%' : '100%',
})

const diskRow = (cloud: FakeCloud, disk: FakeDisk) => ({
  id: disk.id,
  name: disk.name,
  diskSizeInGB: disk.sizeGiB,
  // Of a system disk, `status` is that of its instance.
  status: disk.system ? 'InUse' : disk.status,
  isSystemVolume: disk.system,
  type: disk.system ? 'System' : 'Cds',
  storageType: 'hp1',
  zoneName: 'cn-bj-a',
  createTime: seconds(disk.createdAt),
  expireTime: '1971-01-01T00:00:01Z',
  attachments: disk.instanceId === null ? [] : [{ instanceId: disk.instanceId, device: '/dev/vdb' }],
  ...linksOf(cloud, disk),
  snapshotNum: String(cloud.snapshotsOf(disk.id).length),
})

/** A disk names one of its policies at the old place, and all at the new one. */
function linksOf(cloud: FakeCloud, { id }: FakeDisk): object {
  const links = [...cloud.policies.values()].filter(({ diskIds }) => diskIds.has(id)).map(linkRow)
  return { autoSnapshotPolicy: links[0] ?? null, autoSnapshotPolicyInfos: links }
}

function policies(cloud: FakeCloud, id: string | undefined, query: URLSearchParams): CloudResponse {
  if (id === undefined)
    return list(cloud, 'autoSnapshotPolicys', [...cloud.policies.values()], query, policyRow)
  const policy = cloud.policies.get(id)
  if (!policy) return failure(404, 'NoSuchObject', 'The specified object is not found.')
  return { status: 200, body: { autoSnapshotPolicy: policyRow(policy) } }
}

const policyRow = (policy: FakePolicy) => ({
  ...linkRow(policy),
  createdTime: seconds(policy.createdAt),
  updatedTime: seconds(policy.createdAt),
  deletedTime: '1971-01-01T00:00:01Z',
  lastExecuteTime: policy.ranAt === null ? '1971-01-01T00:00:01Z' : seconds(policy.ranAt),
  volumeCount: policy.diskIds.size,
})

/** What a disk says of a policy that it is linked to. */
const linkRow = ({ id, name, status, timePoints, repeatWeekdays, retentionDays }: FakePolicy) => ({
  ...{ id, name, status, timePoints, repeatWeekdays, retentionDays },
})

function instances(cloud: FakeCloud, query: URLSearchParams): CloudResponse {
  const ids = (query.get('volumeIds') ?? '').split(',')
  const found = ids.flatMap((id) => cloud.disks.get(id) ?? [])
  return {
    status: 200,
    body: {
      isTruncated: false,
      instances: found.map(({ instanceId, status }) => ({ id: instanceId, status })),
    },
  }
}

function chains(cloud: FakeCloud): CloudResponse {
  const snapchains = [...cloud.disks.values()].map(({ id }) => ({
    volumeId: id,
    manualSnapCount: cloud.snapshotsOf(id).filter(({ automatic }) => !automatic).length,
    autoSnapCount: cloud.snapshotsOf(id).filter(({ automatic }) => automatic).length,
  }))
  return { status: 200, body: { isTruncated: false, snapchains } }
}

/** Checks the signature by an implementation of its own: what both get wrong would pass unnoticed. */
function signatureProblem(cloud: FakeCloud, request: CloudRequest): CloudResponse | undefined {
  const [version, accessKeyId, at = '', expires, names = '', signature] = (
    request.header('authorization') ?? ''
  ).split('/')
  if (version !== 'bce-auth-v1') return failure(400, 'InvalidHTTPAuthHeader', 'No signature.')
  if (accessKeyId !== BAIDU_KEY.accessKeyId) return failure(403, 'InvalidAccessKeyId', 'No such key.')
  const until = /^until-(\d+)$/.exec(request.header('x-bce-security-token') ?? '')?.[1]
  if (until !== undefined && Number(until) <= cloud.now())
    return failure(403, 'AccessDenied', 'The session token has expired.')
  const age = Math.abs(cloud.now() + (cloud.faults.clockAheadMs ?? 0) - Date.parse(at))
  if (age > EXPIRED_AFTER_MS) return failure(400, 'RequestExpired', 'The request has expired.')
  const encode = (text: string) =>
    [...Buffer.from(text)]
      .map((byte) =>
        /[A-Za-z0-9\-_.~]/.test(String.fromCharCode(byte)) && byte < 128
          ? String.fromCharCode(byte)
          : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .join('')
  const query = [...request.query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort()
  const headers = names
    .split(';')
    .map((name) => `${encode(name)}:${encode(request.header(name)?.trim() ?? '')}`)
  const text = [request.method, request.path, query.join('&'), headers.sort().join('\n')].join('\n')
  const hmac = (key: string, value: string) => createHmac('sha256', key).update(value).digest('hex')
  const key = hmac(BAIDU_KEY.secretAccessKey, [version, accessKeyId, at, expires].join('/'))
  if (hmac(key, text) !== signature || !names.split(';').includes('host'))
    return failure(400, 'SignatureDoesNotMatch', 'The signature does not match.')
  return undefined
}

const failure = (status: number, code: string, message: string): CloudResponse => ({
  status,
  body: { code, message, requestId: 'request-refused' },
})

const seconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
