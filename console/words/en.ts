import type { EnumOf } from '../api/graphql.ts'
import type { Reason } from '../api/reasons.ts'

type DiskStatus = EnumOf<'DiskStatus'>
type DiskOperation = EnumOf<'DiskOperation'>
type DiskKind = EnumOf<'DiskKind'>
type SnapshotStatus = EnumOf<'SnapshotStatus'>
type SnapshotOperation = EnumOf<'SnapshotOperation'>
type SnapshotType = EnumOf<'SnapshotType'>
type RunOutcome = EnumOf<'AutoSnapshotRunOutcome'>
type RefusalCode = EnumOf<'RefusalCode'>
type RunDiskOutcome = EnumOf<'AutoSnapshotRunDiskOutcome'>
type OperationKind = EnumOf<'OperationKind'>
type CancelObstacle = EnumOf<'CancelObstacle'>
type DiskPathProblem = EnumOf<'DiskPathProblem'>
type ConnectionState = EnumOf<'ConnectionState'>
type CredentialsProblem = EnumOf<'ConnectionCredentialsProblem'>
type PolicyRule = Exclude<EnumOf<'AutoSnapshotPolicyRule'>, 'RETENTION_DAYS'>

/** The parts of a near time, each as the language writes it. */
type MomentParts = Record<'weekday' | 'day' | 'month' | 'hour' | 'minute' | 'timeZoneName', string>

/** Every text of the console. Labels and the dialog follow the cloud's own documentation of manual snapshots. */
export const en = {
  language: 'English',
  locale: 'en-GB',

  diskStatus: {
    ATTACHING: 'Attaching',
    CREATING: 'Creating',
    DELETED: 'Released',
    DELETING: 'Releasing',
    DETACHING: 'Detaching',
    ERROR: 'Error',
    EXPIRED: 'Expired',
    IMAGING: 'Creating image',
    IN_USE: 'In Use',
    NORMAL: 'Normal',
    NOT_AVAILABLE: 'Not available',
    RECHARGING: 'Renewing',
    RECYCLED: 'In recycle bin',
    ROLLING_BACK: 'Rolling back',
    SCALING: 'Resizing',
    SNAPSHOTTING: 'Creating snapshot',
    UNKNOWN: 'Unknown',
    UNMOUNTED: 'Unmounted',
  } satisfies Record<DiskStatus, string> as Record<DiskStatus, string>,
  snapshotStatus: {
    COMPLETED: 'Completed',
    CREATING: 'Creating',
    DELETED: 'Deleted',
    DELETING: 'Deleting',
    FAILED: 'Failed',
    UNAVAILABLE: 'Unavailable',
  } satisfies Record<SnapshotStatus, string> as Record<SnapshotStatus, string>,
  /** What is asked of a disk or snapshot, as the subject of a sentence. */
  diskOperation: {
    ATTACH: 'Attaching it',
    DETACH: 'Detaching it',
    RELEASE: 'Releasing it',
    RESIZE: 'Resizing it',
    ROLL_BACK: 'Rolling it back',
    UPDATE: 'Editing it',
  } satisfies Record<DiskOperation, string> as Record<DiskOperation, string>,
  snapshotOperation: {
    CREATE_DISK: 'Creating a disk from it',
    DELETE: 'Deleting it',
    ROLL_BACK: 'Rolling back to it',
    UPDATE: 'Editing it',
    VERIFY: 'Verifying it',
  } satisfies Record<SnapshotOperation, string> as Record<SnapshotOperation, string>,
  diskKind: { DATA: 'Data disk', SYSTEM: 'System disk' } satisfies Record<DiskKind, string> as Record<
    DiskKind,
    string
  >,
  provider: {
    LOCAL: "The gateway's machine",
    BAIDU: 'Baidu AI Cloud',
    CINDER: 'OpenStack',
  } satisfies Record<EnumOf<'Provider'>, string> as Record<EnumOf<'Provider'>, string>,
  connectionState: {
    UNTRIED: 'Untried',
    OK: 'OK',
    CREDENTIALS_REFUSED: 'Credentials refused',
    UNREACHABLE: 'Unreachable',
    THROTTLED: 'Throttled',
    CLOCK_WRONG: 'Clock wrong',
  } satisfies Record<ConnectionState, string> as Record<ConnectionState, string>,
  snapshotType: { MANUAL: 'Manual', AUTOMATIC: 'Automatic' } satisfies Record<SnapshotType, string> as Record<
    SnapshotType,
    string
  >,
  consistency: {
    CLEAN: 'Clean: the disk was not in use',
    CRASH_CONSISTENT: 'Crash-consistent: what had reached the disk at that moment',
  } as Record<string, string>,
  progress: (percent: number) => `Creating ${percent} %`,

  product: 'Snapgate',
  skip: 'Skip to content',
  navigation: 'Console',
  disk: 'Disk',
  disks: 'Disks',
  snapshot: 'Snapshot',
  snapshots: 'Snapshots',
  connections: 'Connections',
  diskList: 'Disk List',
  diskDetails: 'Disk Details',
  snapshotList: 'Snapshot List',
  notFound: 'Not found',

  createSnapshot: 'Create Snapshot',
  rollBack: 'Roll Back',
  createDisk: 'Create Disk',
  edit: 'Edit',
  delete: 'Delete',
  details: 'Details',
  more: 'More',
  refresh: 'Refresh',
  clearFilters: 'Clear filters',
  copy: 'Copy',
  copied: 'Copied',
  notCopied: 'The browser did not allow copying. Select the text and copy it.',
  close: 'Close',
  cancel: 'Cancel',
  confirm: 'Confirm',
  retry: 'Try again',

  nameAndId: 'Name / ID',
  name: 'Name',
  status: 'Status',
  kind: 'Disk kind',
  storageType: 'Storage type',
  size: 'Size',
  zone: 'Zone',
  providerLabel: 'Provider',
  connection: 'Connection',
  upstreamStatus: 'Status in the cloud',
  upstreamId: 'ID in the cloud',
  origin: 'Created by',
  originOf: {
    GATEWAY: 'This gateway',
    OUTSIDE: 'Somebody else, in the cloud',
    UPSTREAM_POLICY: 'A policy of the cloud',
  } satisfies Record<EnumOf<'SnapshotOrigin'>, string> as Record<EnumOf<'SnapshotOrigin'>, string>,
  attachment: 'Attached to',
  attachedAs: (instance: string, device: string | null) => (device ? `${instance} as ${device}` : instance),
  notAttached: 'Not attached',
  heldSnapshots: 'Snapshots',
  created: 'Created',
  actions: 'Actions',
  description: 'Description',
  sourceDisk: 'Source disk',
  released: 'Released',
  sizeAndData: 'Size / data copied',
  method: 'Creation method',
  duration: 'Duration',
  moment: ({ weekday, day, month, hour, minute, timeZoneName }: MomentParts) =>
    `${weekday} ${day} ${month}, ${hour}:${minute} ${timeZoneName}`,
  dataCopied: 'Data copied',
  checksum: 'Checksum',
  consistencyLabel: 'Consistency',
  kept: 'Kept',
  keptForever: 'No expiry',
  keptUntil: (days: number, until: string) => `${days} days, until ${until}`,
  tags: 'Tags',
  none: '–',
  /** A reason, whose sentence and codes the API gives. */
  reason: ((sentence) => sentence) as (sentence: string, codes: readonly Reason[]) => string,
  /** What an error says, by its code, if it has one. */
  errorMessage: (_code: string | undefined, message: string) => message,
  stalled: (reason: string) => `Delayed; retrying: ${reason}`,

  searchDisks: 'Search by name or disk ID',
  searchSnapshots: 'Search by name or snapshot ID',
  anyStatus: 'Any status',
  anyKind: 'Any disk kind',
  anyMethod: 'Any creation method',
  ofDisk: (disk: string) => `Of disk ${disk}`,
  selected: (count: number) => `${count} selected`,
  selectRow: (name: string) => `Select ${name}`,
  selectAll: 'Select all on this page',
  nothingSelected: 'Select the disks first.',
  noSnapshotSelected: 'Select the snapshots first.',

  filters: {
    add: 'Add filter',
    by: 'Filter by',
    apply: 'Apply',
    names: { created: 'Created', expires: 'Expires', gib: 'Size (GiB)', tag: 'Tag' },
    from: 'From',
    to: 'To',
    least: 'At least',
    most: 'At most',
    anyValue: 'Any value',
    range: (from: string, to: string) =>
      from === '' ? `up to ${to}` : to === '' ? `from ${from}` : `${from} – ${to}`,
    remove: (filter: string) => `Remove filter: ${filter}`,
  },

  preferences: {
    title: 'Preferences',
    times: 'Times',
    timeForm: { absolute: 'Date and time', relative: 'Relative, such as “3 hours ago”' },
    timeZone: 'Time zone',
    zone: (local: string) => ({ local: `Local (${local})`, UTC: 'UTC' }),
  },

  range: (from: string, to: string, total: string) => `${from}–${to} of ${total}`,
  perPage: 'Per page',
  firstPage: 'First page',
  previousPage: 'Previous page',
  nextPage: 'Next page',
  lastPage: 'Last page',

  noDisks: 'There are no disks yet.',
  noDisksHint: 'Register an existing image, or create an empty disk.',
  noSnapshots: 'There are no snapshots yet.',
  noSnapshotsHint: 'Create one: it appears here at once, and its status follows live.',
  noMatches: 'Nothing matches the search and filters.',
  noDisk: (id: string) => `There is no disk ${id}.`,
  noDiskHint: 'It may have been released, or it belongs to another account.',
  noSnapshot: (id: string) => `There is no snapshot ${id}.`,
  noPage: 'There is no such page.',
  toDisks: 'To the Disk List',

  errorTitle: 'This could not be read.',
  notDone: 'This could not be done.',
  unreachable: 'The gateway cannot be reached.',
  notLoaded: 'This part of the console could not be loaded.',
  notLoadedHint: 'The gateway cannot be reached, or was upgraded. Your data is not affected.',
  newVersion: 'A new version of the console is available.',
  reloadToUpdate: 'Reload to update',
  errorCode: 'Code',
  requestId: 'Request ID',

  overview: 'Overview',
  quotas: 'Snapshot quotas',
  manualQuota: 'Manual snapshots',
  automaticQuota: 'Automatic snapshots',
  quotaUsed: (used: string, limit: string) => `${used} / ${limit}`,
  quotaLine: (used: string, limit: string, remaining: string) =>
    `${used} of ${limit} manual snapshots of this disk are used, ${remaining} remain.`,
  activity: 'Activity',
  eventLog: 'Event log',
  noEvents: 'No events yet.',
  newerEvents: 'Newer',
  olderEvents: 'Older',
  history: 'History',
  transition: (from: string | undefined, to: string) => (from === undefined ? to : `${from} → ${to}`),

  dialog: {
    snapshotType: 'Snapshot type',
    dataSnapshot: 'Data disk snapshot',
    systemSnapshot: 'System disk snapshot',
    diskId: 'Disk ID',
    chooseDisk: 'Choose a disk by name or ID',
    snapshotName: 'Snapshot name',
    nameRule: (length: string) =>
      `1–${length} characters: letters A–Z and a–z, digits, Chinese characters, and - _ / . or space. The first is a letter.`,
    notice:
      'A snapshot includes only data that has been written to the disk at the time of creation, not data still residing in a cache. Detach the disk, or confirm that all file writes have stopped, to be sure of its integrity.',
    disksOf: (count: number) => `${count} disks`,
    more: 'Description, retention, protection and tags',
    retention: 'Keep for (days)',
    retentionHint: 'Leave empty for no expiry.',
    retentionRule: (min: string, max: string) => `Enter ${min} to ${max} days, or leave it empty.`,
    result: 'Result',
    started: (name: string) => `Snapshot ${name} is being created.`,
    batch: (created: number, refused: number) =>
      refused === 0 ? `${created} created` : `${created} created, ${refused} refused`,
    consistent: 'All or none',
    consistentHint:
      'The snapshots are accepted together, with one name. If one is refused, none is created. Each copy is still its own point in time.',
    nameOfAll: 'Name of each snapshot',
    view: 'View in the Snapshot List',
    mustChoose: 'Choose a disk.',
  },

  edition: {
    title: 'Edit Snapshot',
    protection: 'Deletion protection',
    protected: 'On',
    unprotected: 'Off',
    protectionHint: 'Nothing can delete the snapshot: no user, retention, policy or release of its disk.',
    retentionHint: (created: string) =>
      `Counted from its creation, ${created}. Leave empty for no expiry. If the time has already passed, the snapshot is deleted soon.`,
    done: (name: string) => `Snapshot ${name} was changed.`,
  },
  deletion: {
    title: (count: number) => (count === 1 ? 'Delete Snapshot' : `Delete ${count} Snapshots`),
    question: (name: string) => `Permanently delete snapshot ${name}?`,
    questions: (count: number) => `Permanently delete these ${count} snapshots?`,
    loss: 'Their data cannot be recovered. Their quota slots are freed.',
    lossOfOne: 'Its data cannot be recovered. One quota slot is freed.',
    started: (name: string) => `Snapshot ${name} is being deleted.`,
    batch: (deleted: number, refused: number) =>
      refused === 0 ? `${deleted} accepted` : `${deleted} accepted, ${refused} refused`,
  },
  rollingBack: {
    title: 'Roll Back Disk',
    question: (disk: string, snapshot: string) => `Roll back disk ${disk} to snapshot ${snapshot}?`,
    loss: (created: string) =>
      `Everything written to the disk since ${created} is lost and cannot be recovered. To keep it, create a snapshot first.`,
    createFirst: 'Create a snapshot first',
    released: 'The disk has been released.',
    started: (disk: string, snapshot: string) => `Disk ${disk} is being rolled back to ${snapshot}.`,
    view: 'View the disk',
  },
  cancellation: {
    action: 'Cancel',
    title: 'Cancel operation',
    keep: 'Keep it running',
    question: {
      ATTACH_DISK: (disk: string) => `Cancel attaching disk ${disk}?`,
      COPY_SNAPSHOT: (snapshot: string) => `Cancel the creation of snapshot ${snapshot}?`,
      CREATE_DISK: (disk: string) => `Cancel the creation of disk ${disk}?`,
      DELETE_SNAPSHOT: (snapshot: string) => `Cancel the deletion of snapshot ${snapshot}?`,
      DETACH_DISK: (disk: string) => `Cancel detaching disk ${disk}?`,
      RELEASE_DISK: (disk: string) => `Cancel the release of disk ${disk}?`,
      RESIZE_DISK: (disk: string) => `Cancel resizing disk ${disk}?`,
      ROLL_BACK_DISK: (disk: string) => `Cancel the rollback of disk ${disk}?`,
      VERIFY_SNAPSHOT: (snapshot: string) => `Cancel the verification of snapshot ${snapshot}?`,
    } satisfies Record<OperationKind, (name: string) => string> as Record<
      OperationKind,
      (name: string) => string
    >,
    effect: {
      ATTACH_DISK: 'The disk stays detached, unless it is attached first.',
      COPY_SNAPSHOT: 'The snapshot fails, and the data copied so far is deleted.',
      CREATE_DISK: 'The disk shows an error, and the data copied so far is deleted.',
      DELETE_SNAPSHOT: 'The snapshot is kept, unless its data is already being deleted.',
      DETACH_DISK: 'The disk stays attached, unless it is detached first.',
      RELEASE_DISK: 'The disk is kept, unless it is released first.',
      RESIZE_DISK: 'The disk keeps its size, unless it is resized first.',
      ROLL_BACK_DISK: 'The disk keeps its present data, unless the rollback completes first.',
      VERIFY_SNAPSHOT: 'The snapshot stays as it is.',
    } satisfies Record<OperationKind, string> as Record<OperationKind, string>,
    pending: 'Cancelling',
    request: 'Cancellation requested',
    ended: 'Verification cancelled',
    requested: 'The operation is already being cancelled.',
    started: (name: string) => `The operation on ${name} is being cancelled.`,
  },
  tagging: {
    action: 'Edit Tags',
    title: 'Edit Tags',
    keyOf: (number: number) => `Key of tag ${number}`,
    valueOf: (number: number) => `Value of tag ${number}`,
    key: 'Key',
    value: 'Value',
    add: 'Add a tag',
    remove: (key: string) => `Remove tag ${key}`,
    removeKeys: 'Remove tags with these keys',
    noKey: 'Give each tag a key.',
    twice: (key: string) => `Give the key ${key} once.`,
    changed: 'Changed',
    batch: (changed: number, refused: number) =>
      refused === 0 ? `${changed} changed` : `${changed} changed, ${refused} refused`,
    more: (count: number) => `+${count}`,
  },
  confirmation: {
    word: 'confirm',
    label: (word: string) => `To confirm, type “${word}”.`,
  },
  verification: {
    action: 'Verify',
    title: 'Verify Snapshot',
    verb: 'Verify',
    label: 'Verified',
    effect:
      'Reads the stored copy and compares its checksum. The snapshot can be used for nothing else meanwhile. If the copy is corrupt, the snapshot becomes Unavailable.',
    never: 'Never verified',
    last: (moment: string) => `Last found intact ${moment}`,
    inProgress: 'Verification in progress',
    started: (name: string) => `Snapshot ${name} is being verified.`,
    view: 'View details',
  },
  registration: {
    title: 'Register Disk',
    verb: 'Register',
    path: 'Path of the image',
    pathHint:
      "An existing raw image or block device on the gateway's machine. Its size is the size of the disk.",
    more: 'Storage, zone and attachment',
    done: (name: string) => `Disk ${name} was registered.`,
  },
  diskEdition: {
    title: 'Edit Disk',
    done: (name: string) => `Disk ${name} was changed.`,
  },
  attaching: {
    action: 'Attach',
    title: 'Attach Disk',
    verb: 'Attach',
    instance: 'Instance ID',
    device: 'Device',
    deviceHint: 'Optional, such as /dev/vdb.',
    noInstance: 'Enter the ID of the instance.',
    started: (name: string) => `Disk ${name} is being attached.`,
  },
  detaching: {
    action: 'Detach',
    title: 'Detach Disk',
    verb: 'Detach',
    question: (disk: string, instance: string) => `Detach disk ${disk} from instance ${instance}?`,
    effect: 'Unmount its file systems in the instance first, so that nothing is lost.',
    started: (name: string) => `Disk ${name} is being detached.`,
  },
  resizing: {
    action: 'Resize',
    title: 'Resize Disk',
    verb: 'Resize',
    size: 'New size (GiB)',
    hint: 'A disk cannot be shrunk.',
    started: (name: string) => `Disk ${name} is being resized.`,
  },
  releasing: {
    action: 'Release',
    title: 'Release Disk',
    verb: 'Release',
    question: (disk: string) => `Release disk ${disk}?`,
    effect:
      'A disk that was created here is deleted with its data. A disk that was registered is unregistered, and its image is kept.',
    withSnapshots: (count: string) => `Delete its snapshots as well (${count}); otherwise they are kept`,
    started: (name: string) => `Disk ${name} is being released.`,
  },
  newDisk: {
    title: 'Create Disk from Snapshot',
    emptyTitle: 'Create Empty Disk',
    more: 'Storage, zone and tags',
    name: 'Disk name',
    size: 'Size (GiB)',
    sizeHint: (size: string, min: string, max: string) =>
      `Leave empty for the size of the snapshot, ${size}, or enter ${min} to ${max} GiB.`,
    storageHint: 'The kind of storage for the disk.',
    started: (name: string) => `Disk ${name} is being created.`,
    view: 'View the disk',
    suffix: 'disk',
  },
  givenUp: (disk: string, from: string, to: string) => `Disk ${disk}: ${from} → ${to}`,

  refusal: {
    status: (kind: string, actual: string, allowed: string) =>
      `The disk is “${actual}”. A snapshot of a ${kind.toLowerCase()} requires the status ${allowed}.`,
    quota: (type: string, used: string, limit: string) =>
      `The disk holds ${used} of ${limit} ${type.toLowerCase()} snapshots. Delete one to make room.`,
    storageSpaceLow: 'The storage is almost full. Delete snapshots, or ask an administrator to add storage.',
    snapshotStatus: (actual: string, operation: string, allowed: string) =>
      `The snapshot is “${actual}”. ${operation} requires the status ${allowed}.`,
    diskStatus: (actual: string, operation: string, kind: string, allowed: string) =>
      `The disk is “${actual}”. ${operation} requires the status ${allowed} for a ${kind.toLowerCase()}.`,
    snapshotProtected: 'The snapshot has deletion protection. Turn it off under Edit first.',
    snapshotInUse:
      'The snapshot is in use by a verification, a rollback or a disk creation. Wait until it ends.',
    systemSnapshot:
      'This is a snapshot of a system disk. A disk can be created only from a snapshot of a data disk.',
    creationLimit: (limit: string) =>
      `Limit of ${limit} concurrent disk creations reached. Wait until one ends.`,
    size: (smallest: string, largest: string) => `The size must be from ${smallest} to ${largest} GiB.`,
    largest: 'The disk already has the largest size.',
    path: {
      EMPTY: 'The file at this path is empty.',
      MISSING: 'There is no file at this path.',
      NOT_ABSOLUTE: 'Enter an absolute path, such as /srv/disks/vm.img.',
      NOT_A_DISK: 'The path is neither a regular file nor a block device.',
      OUTSIDE: 'The path is outside the directories that disks can be registered from (DISK_DIRS).',
      TOO_LARGE: 'The file at this path is larger than a disk can be.',
      UNREADABLE: 'The gateway has no permission to read the file at this path.',
    } satisfies Record<DiskPathProblem, string> as Record<DiskPathProblem, string>,
    credentials: {
      NO_KEY:
        'The gateway has no CREDENTIALS_KEY to encrypt credentials with. Ask an administrator to set one, or reference the credentials.',
      OTHER_PROVIDER: 'These credentials are for another provider.',
      REFERENCE_NOT_ALLOWED:
        'The account may not use this reference. Ask an administrator to list it in CREDENTIAL_REFERENCES.',
    } satisfies Record<CredentialsProblem, string> as Record<CredentialsProblem, string>,
    connectionLimit: (limit: string) => `Limit of ${limit} connections reached. Delete one first.`,
    alreadyRegistered: 'The file at this path is already registered as a disk.',
    notAttached: 'The disk is not attached to an instance, but open in a program. Close it there.',
    otherRefused: 'Not created: another disk was refused.',
    tokenNotFound: 'API token not found.',
    policyNotFound: 'Policy not found. It may have been deleted.',
    diskNotFound: 'Disk not found. It may have been released.',
    snapshotNotFound: 'Snapshot not found. It may have been deleted.',
    snapshotOfOtherDisk: 'This snapshot was taken of another disk.',
    clientTokenReused: 'This request was already sent with different input. Close the dialog and try again.',
    nothingInProgress: 'No operation is in progress; it may have completed.',
    notCancellable: {
      EVICTION:
        'This snapshot is being deleted to make room for a newer automatic one. That cannot be cancelled.',
      TOO_LATE: 'It is too late to cancel: the operation is about to complete.',
      UPSTREAM: 'The cloud does this, and cannot be asked to stop.',
    } satisfies Record<CancelObstacle, string> as Record<CancelObstacle, string>,
    or: ' or ',
    quoted: (text: string) => `“${text}”`,
    /** A refusal that has no words of its own here, by its type or its code. */
    other: (_refusal: string, message: string) => message,
    rules: {
      CHARACTERS: 'It may have only letters A–Z and a–z, digits, Chinese characters, and - _ / . or space.',
      EMPTY: 'Enter a name.',
      FIRST_CHARACTER: 'It must start with a letter, A–Z or a–z.',
      TOO_LONG: 'It is too long.',
    } as Record<string, string>,
  },

  live: 'Live',
  liveHint: 'Statuses change here as they happen.',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  offlineSince: (time: string) => `Offline since ${time}`,
  offlineBanner: (time: string) =>
    `The connection to the gateway was lost at ${time}. What is shown may be out of date; the page reconnects automatically.`,
  announcement: (name: string, status: string) => `Snapshot ${name}: ${status}`,
  diskAnnouncement: (name: string, status: string) => `Disk ${name}: ${status}`,

  graphiql: 'GraphiQL',
  queryBehind: 'API query of this page',
  queryBehindHint: 'The query that this page sends to the API. Run or edit it in GraphiQL.',
  operation: 'Operation',
  variables: 'Variables',
  openGraphiql: 'Open in GraphiQL',
  switchLanguage: '中文',
  darkTheme: 'Dark theme',
  lightTheme: 'Light theme',

  signIn: 'Sign in',
  signInHint: 'Sign in to continue. Paste an API token or a JWT. It is kept in this tab only.',
  sessionExpired: 'Your session has expired. Sign in again.',
  token: 'Token',
  tokenRefused: 'The gateway does not accept this token.',
  signOut: 'Sign out',

  viewer: {
    signedIn: 'Signed in:',
    role: { VIEWER: 'Viewer', OPERATOR: 'Operator', ADMIN: 'Administrator' } satisfies Record<
      EnumOf<'Role'>,
      string
    > as Record<EnumOf<'Role'>, string>,
    until: (moment: string) => `until ${moment}`,
    forbidden: (needed: string, own: string) => `Requires the ${needed} role. You are signed in as ${own}.`,
  },

  access: {
    title: 'Access',
    account: 'Account',
    accountId: 'Account ID',
    role: 'Your role',
    permissions: 'You may change',
    permission: {
      manageSnapshots: 'snapshots',
      managePolicies: 'policies',
      manageDisks: 'disks',
      manageTokens: 'API tokens',
      manageConnections: 'connections',
    },
    readOnly: 'Nothing: your role can read only.',
    tokens: 'API tokens',
    noTokens: 'There are no API tokens yet.',
    noTokensHint: 'Create one for each program or person, so that each can be revoked by itself.',
    create: 'Create Token',
    name: 'Token name',
    roleOf: 'Role',
    roleHint: {
      VIEWER: 'Reads everything, changes nothing.',
      OPERATOR: 'Also creates, edits and deletes snapshots and policies.',
      ADMIN: 'Also changes disks, API tokens and connections.',
    },
    days: 'Expires after (days)',
    daysHint: 'Leave empty for no expiry.',
    daysRule: (min: string, max: string) => `Enter ${min} to ${max} days, or leave it empty.`,
    first:
      'This is the first token of the gateway. From then on, every request needs a credential. This tab goes on with the new token.',
    once: 'Copy the token now. It is not shown again.',
    created: (name: string) => `The token ${name} was created.`,
    expires: 'Expires',
    never: 'Never',
    lastUsed: 'Last used',
    status: { active: 'Active', expired: 'Expired', revoked: 'Revoked' },
    revoke: 'Revoke',
    revokeTitle: 'Revoke Token',
    revokeQuestion: (name: string) => `Permanently revoke the token ${name}?`,
    revokeEffect: 'Programs that use it are refused at once, and their streams end. It cannot be restored.',
    revoked: (name: string) => `The token ${name} was revoked.`,
    alreadyRevoked: 'It has been revoked already.',
  },

  policy: {
    title: 'Automatic policy',
    none: 'No policy is linked. No automatic snapshots are taken of this disk.',
    policy: 'Policy',
    runs: 'Runs',
    everyDay: 'Every day',
    workdays: 'Monday to Friday',
    everyHour: 'every full hour',
    schedule: (days: string, hours: string) => `${days} at ${hours}`,
    timeZone: 'Time zone',
    retention: 'Keeps',
    keptDays: (days: number) => (days === 1 ? 'For 1 day' : `For ${days} days`),
    keptForever: 'Until the quota is full (oldest deleted first)',
    nextRuns: 'Next runs',
    lastRun: 'Last run',
    neverRan: 'Has not run yet',
    outcome: {
      PENDING: 'Pending',
      CREATED: 'A snapshot was created. It has been deleted since.',
      SKIPPED: 'Skipped: no snapshot was taken.',
      MISSED: 'Missed: the gateway was not running.',
    } satisfies Record<RunDiskOutcome, string> as Record<RunDiskOutcome, string>,
    /** Why no snapshot was taken, by the code of the refusal. */
    skipped: {
      DISK_NOT_FOUND: 'The disk had been released.',
      DISK_STATUS_FORBIDS_SNAPSHOT: 'The status of the disk did not allow a snapshot.',
      SNAPSHOT_QUOTA_EXCEEDED: 'The quota of automatic snapshots was full, and none could be deleted.',
      STORAGE_SPACE_LOW: 'The storage was almost full.',
    } as Partial<Record<RefusalCode, string>>,
    runOutcome: {
      RUN: 'Ran',
      MISSED: 'Missed: the gateway was not running.',
      NO_SUCH_HOUR: 'Left out: this hour did not exist (daylight saving).',
    } satisfies Record<RunOutcome, string> as Record<RunOutcome, string>,
    notThen: 'The disk was not linked at that time.',

    policies: 'Policy',
    list: 'Policy List',
    details: 'Policy Details',
    view: 'View the policy',
    toList: 'To the Policy List',
    missing: (id: string) => `There is no policy ${id}.`,
    missingHint: 'It may have been deleted, or it belongs to another account.',
    noPolicies: 'There are no policies yet.',
    noPoliciesHint: 'Create one, and link disks to it: snapshots of them are then taken automatically.',
    noDisks: 'No disks are linked to this policy.',
    linkedDisks: 'Linked disks',
    nextRun: 'Next run',
    lastChange: 'Last change',
    runHistory: 'Run history',
    scheduledFor: 'Scheduled for',
    showDisks: 'Show disks',
    hideDisks: 'Hide disks',
    createTitle: 'Create Policy',
    editTitle: 'Edit Policy',
    editHint: 'A new schedule applies from now on. Existing snapshots keep their retention.',
    changed: (policy: string) => `The policy ${policy} was changed.`,
    deleteTitle: 'Delete Policy',
    deleteQuestion: (policy: string) => `Delete the policy ${policy}?`,
    deleteEffect:
      'Its disks are unlinked, and no further automatic snapshots are taken. Its run history is deleted. Existing snapshots are kept.',
    deleted: (policy: string) => `The policy ${policy} was deleted.`,
    linkDisks: 'Link disks…',
    linkDisksTitle: 'Link Disks',
    linkDisksHint: (policy: string) => `Link disks to the policy ${policy}. Each is checked for itself.`,
    disksToLink: 'Disks to link',
    chooseDisks: 'Choose disks by name or ID',

    link: 'Link a policy…',
    linkTitle: 'Link a policy',
    choose: 'Policy to link',
    mustChoose: 'Choose a policy.',
    create: 'Create a new policy',
    noneYet: 'There are no policies yet. Create the first one:',
    linked: (policy: string, disk: string) => `The policy ${policy} is linked to ${disk}.`,
    linkedTo: (policy: string) => `Linked to ${policy}`,
    batch: (linked: number, refused: number) =>
      refused === 0 ? `${linked} linked` : `${linked} linked, ${refused} refused`,
    createdOnly: (policy: string) => `The policy ${policy} was created.`,

    name: 'Policy name',
    days: 'Days',
    hours: 'Hours',
    chooseHours: 'Choose the hours',
    keepDays: 'Keep snapshots for (days)',
    keepHint: 'Leave empty to keep them until the quota is full (oldest deleted first).',

    unlink: 'Unlink…',
    unlinkTitle: 'Unlink the policy',
    unlinkNow: 'Unlink',
    unlinkQuestion: (policy: string, disk: string) =>
      `Unlink the policy ${policy} from the disk ${disk}? No further automatic snapshots of it are taken.`,
    deleteSnapshots: (count: string) => `Delete the automatic snapshots of this disk as well (${count})`,
    deleteHint: 'Snapshots that are being created or read are kept.',
    unlinked: (policy: string, disk: string) => `The policy ${policy} is unlinked from ${disk}.`,

    refusal: {
      status: (actual: string, allowed: string) =>
        `The disk is “${actual}”. A policy can be linked to it while it is ${allowed}.`,
      linkedElsewhere: (policy: string) =>
        `The disk is already linked to the policy ${policy}. Unlink it first.`,
      quota: (limit: string) => `Limit of ${limit} policies reached. Delete one first.`,
      rules: {
        TIME_POINTS: 'Choose at least one hour.',
        REPEAT_WEEKDAYS: 'Choose at least one day.',
        TIME_ZONE: 'The gateway does not know this time zone.',
      } satisfies Record<PolicyRule, string> as Record<PolicyRule, string>,
    },
  },
}

export type Words = typeof en
