import type { CloudRequest } from '../cloud/cloud.ts'
import { toGibibytes, type Fields } from '../cloud/fields.ts'
import type { CloudCall } from '../cloud/upstream.ts'
import { withMark } from './seen.ts'

/** What is sent for each request. */
export function callFor(request: CloudRequest): CloudCall {
  switch (request.verb) {
    case 'createSnapshot': {
      const { disk, name, description, mark, token } = request
      // The system disk of an instance goes by the id of the instance.
      const volumeId = disk.kind === 'SYSTEM' ? (disk.instanceId ?? disk.externalId) : disk.externalId
      return {
        method: 'POST',
        path: '/v2/snapshot',
        query: { clientToken: token },
        body: { volumeId, snapshotName: name, desc: withMark(description, mark) },
      }
    }
    case 'changeSnapshot': {
      const { snapshotId, name, description, mark } = request
      const desc = mark === null || description === undefined ? description : withMark(description, mark)
      return {
        method: 'PUT',
        path: `/v2/snapshot/${snapshotId}`,
        query: { modifyAttribute: '' },
        body: { snapshotName: name, desc },
      }
    }
    case 'deleteSnapshot':
      return { method: 'DELETE', path: `/v2/snapshot/${request.snapshotId}` }
    case 'createDisk': {
      const { snapshotId, name, sizeBytes, storageType, zone, token } = request
      return {
        method: 'POST',
        path: '/v2/volume',
        query: { clientToken: token },
        body: {
          snapshotId,
          name,
          cdsSizeInGB: toGibibytes(sizeBytes),
          storageType,
          zoneName: zone,
          billing: { paymentTiming: 'Postpaid' },
          purchaseCount: 1,
        },
      }
    }
    case 'rollBack':
      return diskAction(request.diskId, 'rollback', { snapshotId: request.snapshotId })
    case 'resize':
      return diskAction(
        request.diskId,
        'resize',
        { newCdsSizeInGB: toGibibytes(request.sizeBytes) },
        request.token,
      )
    case 'attach':
      return diskAction(request.diskId, 'attach', { instanceId: request.instanceId })
    case 'detach':
      return diskAction(request.diskId, 'detach', { instanceId: request.instanceId })
    case 'release': {
      const snapshots = request.withSnapshots ? { autoSnapshot: 'on', manualSnapshot: 'on' } : {}
      return { method: 'POST', path: `/v2/volume/${request.diskId}`, body: { ...snapshots, recycle: 'on' } }
    }
  }
}

const diskAction = (diskId: string, action: string, body: object, clientToken?: string): CloudCall => ({
  method: 'PUT',
  path: `/v2/volume/${diskId}`,
  query: { [action]: '', clientToken },
  body,
})

/** The id of what the request makes: null when it makes nothing, undefined when the answer lacks it. */
export function madeBy({ verb }: CloudRequest, body: Fields): string | null | undefined {
  if (verb === 'createSnapshot') return body.text('snapshotId') ?? undefined
  if (verb === 'createDisk') return body.texts('volumeIds')[0]
  return null
}
