import type { CloudRefusal, CloudRequest } from '../cloud/cloud.ts'
import { toGibibytes } from '../cloud/fields.ts'
import type { CloudCall } from '../cloud/upstream.ts'
import { MARK_KEY } from './seen.ts'

/** From this microversion on, a disk in use needs no `force`, and refuses one. */
export const WITHOUT_FORCE = 66

/** Where the answer has the id of what a request makes. */
export const MADE: Partial<Record<CloudRequest['verb'], string>> = {
  createSnapshot: 'snapshot',
  createDisk: 'volume',
}

export const notOffered = (verb: string): CloudRefusal => ({
  outcome: 'refused',
  class: 'NOT_OFFERED',
  code: 'NOT_OFFERED',
  message: `Block storage of OpenStack does not offer ${verb}.`,
  requestId: null,
})

/** What is sent for each request; undefined for one that block storage does not offer: instances attach disks themselves. */
export function callFor(request: CloudRequest, needsForce: boolean): CloudCall | undefined {
  switch (request.verb) {
    case 'createSnapshot': {
      const { disk, name, description, mark } = request
      const snapshot = { volume_id: disk.externalId, name, description, metadata: { [MARK_KEY]: mark } }
      return {
        method: 'POST',
        path: '/snapshots',
        body: { snapshot: needsForce ? { ...snapshot, force: true } : snapshot },
      }
    }
    case 'changeSnapshot': {
      const { snapshotId, name, description } = request
      return { method: 'PUT', path: `/snapshots/${snapshotId}`, body: { snapshot: { name, description } } }
    }
    case 'deleteSnapshot':
      return { method: 'DELETE', path: `/snapshots/${request.snapshotId}` }
    case 'rollBack':
      return action(request.diskId, { revert: { snapshot_id: request.snapshotId } })
    case 'createDisk': {
      const { snapshotId, name, sizeBytes, token } = request
      const volume = {
        snapshot_id: snapshotId,
        name,
        size: toGibibytes(sizeBytes),
        metadata: { [MARK_KEY]: token },
      }
      return { method: 'POST', path: '/volumes', body: { volume } }
    }
    case 'resize':
      return action(request.diskId, { 'os-extend': { new_size: toGibibytes(request.sizeBytes) } })
    case 'release': {
      const query = request.withSnapshots ? { cascade: 'true' } : {}
      return { method: 'DELETE', path: `/volumes/${request.diskId}`, query }
    }
    case 'attach':
    case 'detach':
      return undefined
  }
}

const action = (diskId: string, body: object): CloudCall => ({
  method: 'POST',
  path: `/volumes/${diskId}/action`,
  body,
})
