import type { DiskRow, DiskStatus } from '../api/disk.ts'
import type { CancelEligibility, Eligibility, LinkRefusal, Refusal } from '../api/refusals.ts'
import type { Words } from '../words/en.ts'

/** How the reader writes numbers. */
export interface Numbers {
  number: (value: number) => string
}

/** Statuses of which any would do. */
function anyOf(statuses: readonly DiskStatus[], { diskStatus, refusal: { quoted, or } }: Words): string {
  return statuses.map((status) => quoted(diskStatus[status])).join(or)
}

/** A refusal in the words of the reader, from its facts; the API's own words where there are no others. */
export function explain(refusal: Refusal, words: Words, format: Numbers): string {
  const { refusal: say } = words
  switch (refusal.__typename) {
    case 'DiskStatusForbidsSnapshot':
      return say.status(
        words.diskKind[refusal.kind],
        words.diskStatus[refusal.actual],
        anyOf(refusal.allowed, words),
      )
    case 'SnapshotQuotaExceeded':
      return say.quota(
        words.snapshotType[refusal.type],
        format.number(refusal.used),
        format.number(refusal.limit),
      )
    case 'StorageSpaceLow':
      return say.storageSpaceLow
    case 'SnapshotStatusForbidsOperation':
      return say.snapshotStatus(
        words.snapshotStatus[refusal.snapshotStatus],
        words.snapshotOperation[refusal.snapshotOperation],
        refusal.snapshotStatuses.map((status) => say.quoted(words.snapshotStatus[status])).join(say.or),
      )
    case 'DiskStatusForbidsOperation':
      return say.diskStatus(
        words.diskStatus[refusal.actual],
        words.diskOperation[refusal.operation],
        words.diskKind[refusal.kind],
        refusal.allowed.map((status) => say.quoted(words.diskStatus[status])).join(say.or),
      )
    case 'DiskSizeRefused':
      return refusal.minGiB > refusal.maxGiB
        ? say.largest
        : say.size(format.number(refusal.minGiB), format.number(refusal.maxGiB))
    case 'DiskCreationLimitExceeded':
      return say.creationLimit(format.number(refusal.limit))
    case 'SnapshotProtected':
      return say.snapshotProtected
    case 'SnapshotInUse':
      return say.snapshotInUse
    case 'SystemSnapshotForbidsDisk':
      return say.systemSnapshot
    case 'DiskPathRefused':
      return 'problem' in refusal ? say.path[refusal.problem] : say.other(refusal.__typename, refusal.message)
    case 'DiskAlreadyRegistered':
      return say.alreadyRegistered
    case 'DiskNotAttached':
      return say.notAttached
    case 'OtherSnapshotRefused':
      return say.otherRefused
    case 'DiskNotFound':
      return say.diskNotFound
    case 'SnapshotNotFound':
      return say.snapshotNotFound
    case 'SnapshotOfOtherDisk':
      return say.snapshotOfOtherDisk
    case 'ClientTokenReused':
      return say.clientTokenReused
    case 'NothingInProgress':
      return say.nothingInProgress
    case 'OperationNotCancellable':
      return 'obstacle' in refusal
        ? say.notCancellable[refusal.obstacle]
        : say.other(refusal.__typename, refusal.message)
    case 'ApiTokenNotFound':
      return say.tokenNotFound
    case 'PolicyNotFound':
      return say.policyNotFound
    case 'PolicyQuotaExceeded':
      return 'policyLimit' in refusal
        ? words.policy.refusal.quota(format.number(refusal.policyLimit))
        : say.other(refusal.__typename, refusal.message)
    case 'ConnectionCredentialsRefused':
      return 'credentialsProblem' in refusal
        ? say.credentials[refusal.credentialsProblem]
        : say.other(refusal.__typename, refusal.message)
    case 'ConnectionLimitExceeded':
      return 'connectionLimit' in refusal
        ? say.connectionLimit(format.number(refusal.connectionLimit))
        : say.other(refusal.__typename, refusal.message)
    case 'InvalidName':
      return 'brokenRules' in refusal
        ? refusal.brokenRules
            .map((rule) => say.rules[rule] ?? say.other(refusal.__typename, refusal.message))
            .join(' ')
        : say.other(refusal.__typename, refusal.message)
    default:
      return say.other(refusal.__typename, refusal.message)
  }
}

/** Why something cannot be done now; undefined when it can. */
export function reasonAgainst({ refusals }: Eligibility, words: Words, format: Numbers): string | undefined {
  return refusals.length === 0
    ? undefined
    : refusals.map((refusal) => explain(refusal, words, format)).join(' ')
}

/** Why what is in progress cannot be cancelled; undefined when it can. */
export function whyNotCancel(
  { refusals: [refusal] }: CancelEligibility,
  { refusal: say }: Words,
): string | undefined {
  if (!refusal) return undefined
  if (refusal.__typename === 'OperationNotCancellable') return say.notCancellable[refusal.obstacle]
  return refusal.__typename === 'NothingInProgress'
    ? say.nothingInProgress
    : say.other(refusal.__typename, refusal.message)
}

/** Why a policy is not linked to this disk, or would not be. */
export function explainLink(
  refusal: LinkRefusal,
  disk: Pick<DiskRow, 'autoSnapshotPolicy'>,
  words: Words,
): string {
  const { refusal: say } = words.policy
  switch (refusal.__typename) {
    case 'DiskStatusForbidsPolicy':
      return say.status(words.diskStatus[refusal.actual], anyOf(refusal.allowed, words))
    case 'DiskLinkedElsewhere':
      return say.linkedElsewhere(disk.autoSnapshotPolicy?.name ?? refusal.policyId)
    case 'DiskNotFound':
      return words.refusal.diskNotFound
    case 'PolicyNotFound':
      return words.refusal.policyNotFound
    default:
      return words.refusal.other(refusal.__typename, refusal.message)
  }
}

/** Why no policy can be linked to this disk now; undefined when one can. */
export function whyNotLink(
  disk: DiskRow,
  words: Words,
  { refusals } = disk.autoSnapshotPolicyEligibility,
): string | undefined {
  return refusals.length === 0
    ? undefined
    : refusals.map((refusal) => explainLink(refusal, disk, words)).join(' ')
}

/** Why no snapshot of this disk can be created now; undefined when it can. */
export function whyNot(disk: DiskRow, words: Words, format: Numbers): string | undefined {
  return reasonAgainst(disk.snapshotEligibility, words, format)
}
