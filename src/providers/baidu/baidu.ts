import type { UpstreamPolicy } from '../../domain/upstream-policy.ts'
import type {
  Cloud,
  CloudAbilities,
  CloudAnswer,
  CloudQuota,
  CloudRequest,
  Page,
  SeenDisk,
  SeenSnapshot,
} from '../cloud/cloud.ts'
import { CloudFault } from '../cloud/faults.ts'
import { Fields } from '../cloud/fields.ts'
import { allRows, begunAgain, marked } from '../cloud/pages.ts'
import { errorOf, refusalFrom } from './faults.ts'
import { callFor, madeBy } from './requests.ts'
import { seenDisk, seenPolicy, seenSnapshot } from './seen.ts'
import { createBaiduWire, ROWS_PER_PAGE, type BaiduOptions } from './wire.ts'

/** The domain of every public region: `bcc.<region>.baidubce.com`. */
export const BAIDU_DOMAIN = 'baidubce.com'

export const baiduEndpoint = (region: string): URL => new URL(`https://bcc.${region}.${BAIDU_DOMAIN}`)

export const BAIDU_ABILITIES: CloudAbilities = {
  verbs: new Set([
    'createSnapshot',
    'changeSnapshot',
    'deleteSnapshot',
    'rollBack',
    'createDisk',
    'resize',
    'attach',
    'detach',
    'release',
  ]),
  oneSnapshotPerDisk: true,
  deleteWhileCreating: false,
  reasonsComeLater: false,
  idempotency: 'TOKEN',
  quotaScope: 'DISK',
}

/** The maximum number of ids in a request about instances. */
const IDS_PER_QUESTION = 100

/** Baidu AI Cloud's block storage (CDS), one account in one region. */
export function createBaiduCloud(options: BaiduOptions): Cloud {
  const { call, page, read } = createBaiduWire(options)

  return {
    provider: 'baidu',
    abilities: BAIDU_ABILITIES,
    listDisks,
    listSnapshots,
    readDisk,
    readSnapshot,
    find,
    submit,
    quota,
    policies: (signal) => policiesOf(page, signal),
    credentialsEnd: async () => moment((await options.key()).expiration),
  }

  async function listDisks(cursor: string | undefined, signal: AbortSignal): Promise<Page<SeenDisk>> {
    const { rows, next } = await page('/v2/volume', 'volumes', { marker: cursor }, signal)
    const instances = await instanceStatuses(rows, signal)
    return { rows: rows.flatMap((row) => seenDisk(row, instances) ?? []), next }
  }

  async function listSnapshots(
    cursor: string | undefined,
    signal: AbortSignal,
    diskExternalId?: string,
  ): Promise<Page<SeenSnapshot>> {
    const query = { marker: cursor, volumeId: diskExternalId }
    const { rows, next } = await page('/v2/snapshot', 'snapshots', query, signal)
    return { rows: rows.flatMap((row) => seenSnapshot(row) ?? []), next }
  }

  async function readDisk(externalId: string, signal: AbortSignal): Promise<SeenDisk | undefined> {
    const answer = await read(`/v2/volume/${externalId}`, signal)
    const row = answer?.fields('volume')
    return row && seenDisk(row, await instanceStatuses([row], signal))
  }

  async function readSnapshot(externalId: string, signal: AbortSignal): Promise<SeenSnapshot | undefined> {
    const answer = await read(`/v2/snapshot/${externalId}`, signal)
    return answer && seenSnapshot(answer.fields('snapshot'))
  }

  async function find(mark: string, diskExternalId: string, signal: AbortSignal): Promise<SeenSnapshot[]> {
    return marked(await allRows((cursor) => listSnapshots(cursor, signal, diskExternalId)), mark)
  }

  async function submit(request: CloudRequest, signal: AbortSignal): Promise<CloudAnswer> {
    const answer = await call(callFor(request), signal)
    if (answer.status >= 400) return refusalFrom(errorOf(answer))
    const made = madeBy(request, new Fields(answer.json))
    const requestId = answer.header('x-bce-request-id') ?? null
    if (made === undefined)
      throw new CloudFault('UNCLEAR', 'Baidu AI Cloud answered without the id of what it makes.', {
        code: 'MALFORMED_ANSWER',
        requestId,
      })
    return { outcome: 'accepted', externalId: made, requestId }
  }

  /** What the chains of snapshots hold: the cloud names no limit. */
  async function quota(signal: AbortSignal): Promise<CloudQuota[]> {
    const quotas: CloudQuota[] = []
    for (let pageNo = 1, more = true; more; pageNo++) {
      const query = {
        orderBy: 'chainId',
        order: 'asc',
        pageSize: String(ROWS_PER_PAGE),
        pageNo: String(pageNo),
      }
      const answer = await read('/v2/snapshot/chain', signal, query)
      const rows = answer?.list('snapchains') ?? []
      for (const row of rows)
        for (const [kind, field] of [
          ['MANUAL_SNAPSHOTS', 'manualSnapCount'],
          ['AUTOMATIC_SNAPSHOTS', 'autoSnapCount'],
        ] as const)
          quotas.push({
            scope: 'DISK',
            kind,
            diskExternalId: row.text('volumeId'),
            used: row.count(field) ?? 0,
            limit: null,
          })
      more = answer?.flag('isTruncated') === true && rows.length > 0
    }
    return quotas
  }

  /** The status of each instance that a system disk in the list belongs to. */
  async function instanceStatuses(
    rows: readonly Fields[],
    signal: AbortSignal,
  ): Promise<Map<string, string>> {
    const diskIds = rows.filter((row) => row.flag('isSystemVolume')).flatMap((row) => row.text('id') ?? [])
    const statuses = new Map<string, string>()
    for (let from = 0; from < diskIds.length; from += IDS_PER_QUESTION) {
      const volumeIds = diskIds.slice(from, from + IDS_PER_QUESTION).join(',')
      const { rows: instances } = await page('/v2/instance', 'instances', { volumeIds }, signal)
      for (const instance of instances) {
        const id = instance.text('id')
        if (id !== null) statuses.set(id, instance.text('status') ?? '')
      }
    }
    return statuses
  }
}

/** The policies of the region, each once. The name of the list is spelt so on the wire. */
async function policiesOf(
  page: ReturnType<typeof createBaiduWire>['page'],
  signal: AbortSignal,
): Promise<UpstreamPolicy[]> {
  const rows = await begunAgain(() =>
    allRows((marker) => page('/v2/asp', 'autoSnapshotPolicys', { marker }, signal)),
  )
  const seen = rows.flatMap((row) => seenPolicy(row) ?? [])
  return [...new Map(seen.map((policy) => [policy.id, policy])).values()]
}

const moment = (text: string | undefined) => (text === undefined ? null : new Date(text))
