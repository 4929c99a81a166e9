import type {
  Cloud,
  CloudAbilities,
  CloudAnswer,
  CloudQuota,
  Page,
  SeenDisk,
  SeenSnapshot,
  CloudRequest,
} from '../cloud/cloud.ts'
import { CloudFault } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import { allRows, marked } from '../cloud/pages.ts'
import { cut } from '../text.ts'
import { errorOf, refusalFrom } from './faults.ts'
import type { KeystoneOptions } from './keystone.ts'
import { callFor, MADE, notOffered, WITHOUT_FORCE } from './requests.ts'
import { seenDisk, seenSnapshot } from './seen.ts'
import { createCinderWire } from './wire.ts'

export const CINDER_ABILITIES: CloudAbilities = {
  verbs: new Set([
    'createSnapshot',
    'changeSnapshot',
    'deleteSnapshot',
    'rollBack',
    'createDisk',
    'resize',
    'release',
  ]),
  oneSnapshotPerDisk: false,
  deleteWhileCreating: false,
  reasonsComeLater: true,
  idempotency: 'NONE',
  quotaScope: 'PROJECT',
}

/** OpenStack's block storage, one project in one region. */
export function createCinderCloud(options: KeystoneOptions): Cloud {
  const { call, credentialsEnd, minorVersion, page, read } = createCinderWire(options)

  return {
    provider: 'cinder',
    abilities: CINDER_ABILITIES,
    listDisks: (cursor, signal) => page('/volumes/detail', 'volumes', seenDisk, { marker: cursor }, signal),
    listSnapshots,
    readDisk,
    readSnapshot,
    find,
    submit,
    quota,
    policies: () => Promise.resolve([]),
    credentialsEnd,
  }

  function listSnapshots(
    cursor: string | undefined,
    signal: AbortSignal,
    diskExternalId?: string,
  ): Promise<Page<SeenSnapshot>> {
    const query = { marker: cursor, volume_id: diskExternalId }
    return page('/snapshots/detail', 'snapshots', (row) => seenSnapshot(row), query, signal)
  }

  async function readDisk(externalId: string, signal: AbortSignal): Promise<SeenDisk | undefined> {
    const answer = await read(`/volumes/${externalId}`, signal)
    return answer && seenDisk(answer.fields('volume'))
  }

  async function readSnapshot(externalId: string, signal: AbortSignal): Promise<SeenSnapshot | undefined> {
    const answer = await read(`/snapshots/${externalId}`, signal)
    if (answer === undefined) return undefined
    const row = answer.fields('snapshot')
    const isError = row.text('status')?.startsWith('error')
    return seenSnapshot(row, isError ? await reasonOf(externalId, signal) : null)
  }

  /** Why it failed: only the messages to the user say so. */
  async function reasonOf(externalId: string, signal: AbortSignal): Promise<string | null> {
    const answer = await read('/messages', signal, { resource_uuid: externalId, sort: 'created_at:desc' })
    const [message] = answer?.list('messages') ?? []
    const text = message?.text('user_message') ?? null
    return text === null ? null : cut(text)
  }

  async function find(mark: string, diskExternalId: string, signal: AbortSignal): Promise<SeenSnapshot[]> {
    // All of the disk's, as a filter that the cloud does not know gives an empty list.
    return marked(await allRows((cursor) => listSnapshots(cursor, signal, diskExternalId)), mark)
  }

  async function submit(request: CloudRequest, signal: AbortSignal): Promise<CloudAnswer> {
    const sent = callFor(request, (await minorVersion(signal)) < WITHOUT_FORCE)
    if (sent === undefined) return notOffered(request.verb)
    const answer = await call(sent, signal)
    if (answer.status >= 400) return refusalFrom(errorOf(answer))
    const requestId = answer.header('x-openstack-request-id') ?? null
    const made = MADE[request.verb]
    const externalId = made === undefined ? null : new Fields(answer.json).fields(made).text('id')
    if (made !== undefined && externalId === null)
      throw new CloudFault('UNCLEAR', 'Cinder answered without the id of what it makes.', {
        code: 'MALFORMED_ANSWER',
        requestId,
      })
    return { outcome: 'accepted', externalId, requestId }
  }

  async function quota(signal: AbortSignal): Promise<CloudQuota[]> {
    const limits = (await read('/limits', signal))?.fields('limits').fields('absolute') ?? new Fields({})
    return (
      [
        ['SNAPSHOTS', 'totalSnapshotsUsed', 'maxTotalSnapshots'],
        ['GIBIBYTES', 'totalGigabytesUsed', 'maxTotalVolumeGigabytes'],
      ] as const
    ).map(([kind, used, limit]) => ({
      scope: 'PROJECT',
      kind,
      diskExternalId: null,
      used: limits.count(used) ?? 0,
      // No limit is written as -1, which is no count.
      limit: limits.count(limit),
    }))
  }
}
