import type { Cloud, CloudAnswer, CloudRefusal, CloudRequest, SeenSnapshot } from './cloud.ts'
import { CloudFault } from './faults.ts'
import { begunAgain } from './pages.ts'

/**
 * For how long after a request a cloud may not yet show what the request has made, in milliseconds. Source: the behaviour of
 * Baidu's own drivers, which wait for seconds; a minute is beyond all that was seen.
 */
export const GRACE_MS = 60_000

/** How many tokens one request may use up, each because the cloud took the last one for that of another request. */
const TOKENS_AT_MOST = 5

type CreateSnapshot = Extract<CloudRequest, { verb: 'createSnapshot' }>

/** What is kept about a request until it has ended, so that another process can go on with it. */
interface Attempts {
  /** When the request was last sent, as far as it may have been done; null when it certainly was not. */
  sentAt: Date | null
  /** Keeps that, durably, before this resolves. A rejection ends the work: another process may have taken it over. */
  note: (sentAt: Date | null) => Promise<void>
}

export type Creation =
  | {
      outcome: 'accepted'
      externalId: string
      requestId: string | null
      /** Others that carry the same mark, which somebody has copied or a cloud has made twice; nothing is done to them. */
      others: SeenSnapshot[]
    }
  /** The request was sent, and what it made may still appear: go on at this time. */
  | { outcome: 'unclear'; until: Date }
  | CloudRefusal

/**
 * Has a cloud make one snapshot, however often this is called for the same request, and whatever becomes of the answers:
 * before a request is sent again, what it may have made is looked for by its mark. Throws a `CloudFault` when the cloud cannot
 * be asked now; the next call goes on from there. To be called by one process at a time, under a lease.
 */
export async function createOnce(
  cloud: Pick<Cloud, 'find' | 'submit'>,
  request: CreateSnapshot,
  { sentAt, note }: Attempts,
  { now, signal }: { now: () => Date; signal: AbortSignal },
): Promise<Creation> {
  if (sentAt !== null) {
    const made = await adopted(cloud, request, signal)
    if (made) return made
    const until = new Date(sentAt.getTime() + GRACE_MS)
    if (now() < until) return { outcome: 'unclear', until }
  }
  for (let tokens = 1; ; tokens++) {
    const token = tokens === 1 ? request.token : `${request.token}.${String(tokens)}`
    const answer = await send(cloud, { ...request, token }, { sentAt, note, now, signal })
    if (answer.outcome === 'unclear') return answer
    if (answer.outcome === 'accepted') {
      const { externalId, requestId } = answer
      if (externalId === null) throw new Error('A snapshot was accepted without an id.')
      return { outcome: 'accepted', externalId, requestId, others: [] }
    }
    // An earlier attempt may be why this one is refused: its snapshot keeps the disk busy, or has taken the last place.
    const isFirst = sentAt === null && answer.class !== 'TOKEN'
    const made = isFirst ? undefined : await adopted(cloud, request, signal)
    if (made) return made
    if (answer.class !== 'TOKEN' || tokens === TOKENS_AT_MOST) return answer
  }
}

async function send(
  cloud: Pick<Cloud, 'submit'>,
  request: CreateSnapshot,
  { sentAt: before, note, now, signal }: Attempts & { now: () => Date; signal: AbortSignal },
): Promise<CloudAnswer | Extract<Creation, { outcome: 'unclear' }>> {
  const sentAt = now()
  await note(sentAt)
  try {
    return await cloud.submit(request, signal)
  } catch (error) {
    if (!(error instanceof CloudFault)) throw error
    if (error.class === 'UNCLEAR') return { outcome: 'unclear', until: new Date(sentAt.getTime() + GRACE_MS) }
    // Nothing was done by this attempt: the next one need not wait for it.
    await note(before)
    throw error
  }
}

/** What an earlier attempt has made; of several the oldest, as that is the one whose answer was lost first. */
async function adopted(
  cloud: Pick<Cloud, 'find'>,
  { mark, disk }: CreateSnapshot,
  signal: AbortSignal,
): Promise<Extract<Creation, { outcome: 'accepted' }> | undefined> {
  const [oldest, ...others] = await begunAgain(() => cloud.find(mark, disk.externalId, signal))
  return oldest && { outcome: 'accepted', externalId: oldest.externalId, requestId: null, others }
}
