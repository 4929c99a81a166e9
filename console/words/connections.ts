import type { EnumOf } from '../api/graphql.ts'
import { useSettings, type Language } from '../settings.tsx'

/** The texts of connections to clouds, which are loaded with their pages and dialogs. */
const en = {
  details: 'Connection Details',
  toList: 'To the connections',
  missing: (id: string) => `There is no connection ${id}.`,
  missingHint: 'It may have been deleted, or it belongs to another account.',
  none: 'There are no connections yet.',
  noneHint: 'Create one: the disks and snapshots of the cloud then appear beside those of the gateway.',

  cloud: 'Cloud / region',
  region: 'Region',
  endpoint: 'Endpoint',
  regionsOwn: "The region's own",
  since: 'Since',
  reason: 'Reason',
  synced: 'Last sync',
  notSynced: 'Not yet',
  /** What a state means, and what would be right. */
  stateHint: {
    UNTRIED: 'No call has been made yet. Test it, or wait for the first sync.',
    OK: 'The last call was answered.',
    CREDENTIALS_REFUSED:
      'Disks and snapshots are not updated, and no snapshots can be created. Give valid credentials under Edit.',
    UNREACHABLE: 'Disks and snapshots are not updated. Retrying automatically.',
    THROTTLED: 'Disks and snapshots are updated less often. Retrying automatically.',
    CLOCK_WRONG:
      "Disks and snapshots are not updated, and no snapshots can be created. Set the clock of the gateway's machine.",
  } satisfies Record<EnumOf<'ConnectionState'>, string> as Record<EnumOf<'ConnectionState'>, string>,
  quotas: 'Quotas of the cloud',
  noQuotas: 'Known after the first sync.',
  quota: {
    SNAPSHOTS: 'Snapshots',
    MANUAL_SNAPSHOTS: 'Manual snapshots',
    AUTOMATIC_SNAPSHOTS: 'Automatic snapshots',
    GIBIBYTES: 'Disks and snapshots (GiB)',
  } satisfies Record<EnumOf<'UpstreamQuotaKind'>, string> as Record<EnumOf<'UpstreamQuotaKind'>, string>,

  credentialsExpire: 'Credentials expire',
  credentialsEnding: 'The credentials expire soon.',
  credentialsEndingHint: 'Give new ones under Edit, or renew them where they are referenced.',

  policies: 'Policies of the cloud',
  policiesHint: 'The cloud runs them. Change them in the console of the cloud.',
  policyDays: (days: string) => `Weekdays ${days} (as the cloud numbers them)`,
  policyStatus: (status: string) => status,

  test: 'Test',
  testing: 'The connection is being tested.',
  works: (name: string) => `Connection ${name}: OK`,
  fails: (name: string, state: string) => `Connection ${name}: ${state}`,
  sync: 'Sync Now',
  syncing: (name: string) => `Connection ${name} is being synced.`,

  createTitle: 'Create Connection',
  created: (name: string) => `The connection ${name} was created.`,
  view: 'View the connection',
  editTitle: 'Edit Connection',
  editHint: 'Provider, region and endpoint cannot be changed. Create another connection instead.',
  changed: (name: string) => `The connection ${name} was changed.`,
  replace: 'Replace the credentials',
  replaceHint: 'The stored credentials are never shown. New ones replace all of them.',
  deleteTitle: 'Delete Connection',
  question: (name: string) => `Delete the connection ${name}?`,
  loss: (disks: string, snapshots: string) =>
    `Its disks (${disks}) and snapshots (${snapshots}) disappear from the gateway, with their tags, retention and policy links. Its credentials are deleted. Nothing changes in the cloud.`,
  deleted: (name: string) => `The connection ${name} was deleted.`,

  name: 'Connection name',
  regionHint: (length: string) =>
    `As the cloud names it: 1–${length} letters A–Z and a–z, digits, hyphens and underscores, such as bj or RegionOne.`,
  endpointHint: {
    BAIDU: "Leave empty for the region's own.",
    CINDER: 'The identity service (Keystone), such as https://keystone.example.com:5000.',
  } satisfies Record<EnumOf<'CloudProvider'>, string> as Record<EnumOf<'CloudProvider'>, string>,
  badRegion: 'The cloud cannot have a region of this name.',
  badEndpoint: 'Enter a URL, such as https://keystone.example.com:5000.',
  notAllowed: (message: string) => message,
  credentials: 'Credentials',
  credentialsHint: 'They are encrypted, and never shown again.',
  referenceHint: 'env:<variable> or file:<path> on the gateway, if CREDENTIAL_REFERENCES allows it.',
  credentialsTooLong: 'The credentials are too long.',
  kind: {
    baiduKey: 'Access key',
    applicationCredential: 'Application credential',
    password: 'User and password',
    reference: 'Reference',
  },
  field: {
    accessKeyId: 'Access key ID',
    secretAccessKey: 'Secret access key',
    sessionToken: 'Session token',
    id: 'ID of the application credential',
    secret: 'Secret',
    user: 'User',
    userDomain: 'Domain of the user',
    password: 'Password',
    project: 'Project',
    projectDomain: 'Domain of the project',
    reference: 'Reference',
  },
  fieldHint: {
    sessionToken: 'Only for a temporary key.',
    userDomain: 'Leave empty for Default.',
    projectDomain: 'Leave empty for Default.',
  } as Readonly<Record<string, string>>,
}

type ConnectionWords = typeof en

const zh: ConnectionWords = {
  details: '云连接详情',
  toList: '返回云连接列表',
  missing: (id) => `云连接 ${id} 不存在。`,
  missingHint: '它可能已被删除，或属于其他账户。',
  none: '还没有云连接。',
  noneHint: '创建云连接后，云端的磁盘和快照会与网关的磁盘和快照一起显示。',

  cloud: '云平台 / 地域',
  region: '地域',
  endpoint: '服务地址',
  regionsOwn: '地域默认地址',
  since: '状态开始时间',
  reason: '原因',
  synced: '最近同步',
  notSynced: '尚未同步',
  stateHint: {
    UNTRIED: '尚未访问云端。请测试连接，或等待首次同步。',
    OK: '最近一次访问成功。',
    CREDENTIALS_REFUSED: '磁盘和快照停止更新，且无法创建快照。请在“编辑”中更换有效的凭证。',
    UNREACHABLE: '磁盘和快照停止更新，系统会自动重试。',
    THROTTLED: '磁盘和快照的更新变慢，系统会自动重试。',
    CLOCK_WRONG: '磁盘和快照停止更新，且无法创建快照。请校准网关所在主机的时钟。',
  },
  quotas: '云端配额',
  noQuotas: '首次同步后显示。',
  quota: {
    SNAPSHOTS: '快照',
    MANUAL_SNAPSHOTS: '手动快照',
    AUTOMATIC_SNAPSHOTS: '自动快照',
    GIBIBYTES: '磁盘和快照容量（GiB）',
  },

  credentialsExpire: '凭证到期时间',
  credentialsEnding: '凭证即将到期。',
  credentialsEndingHint: '请在“编辑”中更换凭证，或更新凭证引用处的内容。',

  policies: '云端自动快照策略',
  policiesHint: '这些策略由云端执行，请在云平台的控制台中修改。',
  policyDays: (days) => `星期 ${days}（云端编号）`,
  policyStatus: (status) => ({ active: '已启用', paused: '已暂停' })[status] ?? status,

  test: '测试',
  testing: '正在测试该云连接。',
  works: (name) => `云连接 ${name}：正常`,
  fails: (name, state) => `云连接 ${name}：${state}`,
  sync: '立即同步',
  syncing: (name) => `云连接 ${name} 正在同步。`,

  createTitle: '创建云连接',
  created: (name) => `云连接 ${name} 已创建。`,
  view: '查看云连接',
  editTitle: '编辑云连接',
  editHint: '云平台、地域和服务地址不可修改。如需修改，请创建新的云连接。',
  changed: (name) => `云连接 ${name} 已修改。`,
  replace: '更换凭证',
  replaceHint: '已保存的凭证不会显示。新凭证将整体替换原有凭证。',
  deleteTitle: '删除云连接',
  question: (name) => `确定删除云连接 ${name} 吗？`,
  loss: (disks, snapshots) =>
    `其磁盘（${disks} 个）和快照（${snapshots} 个）将从网关中移除，标签、保留时间和策略关联一并清除，凭证也会删除。云端资源不受影响。`,
  deleted: (name) => `云连接 ${name} 已删除。`,

  name: '云连接名称',
  regionHint: (length) =>
    `填写云平台的地域名，1–${length} 个字符，可包含大小写字母、数字、连字符和下划线，例如 bj 或 RegionOne。`,
  endpointHint: {
    BAIDU: '留空则使用地域默认地址。',
    CINDER: '身份认证服务（Keystone）的地址，例如 https://keystone.example.com:5000。',
  },
  badRegion: '地域名不符合规则。',
  badEndpoint: '请输入 URL，例如 https://keystone.example.com:5000。',
  notAllowed: () => '网关不允许访问该地址。请使用 https 地址，或联系管理员在 UPSTREAM_HOSTS 中添加该主机。',
  credentials: '凭证',
  credentialsHint: '凭证加密保存，之后不再显示。',
  referenceHint: '网关上的 env:<变量名> 或 file:<路径>，须在 CREDENTIAL_REFERENCES 中列出。',
  credentialsTooLong: '凭证过长。',
  kind: {
    baiduKey: '访问密钥',
    applicationCredential: '应用凭证',
    password: '用户名和密码',
    reference: '凭证引用',
  },
  field: {
    accessKeyId: 'Access Key ID',
    secretAccessKey: 'Secret Access Key',
    sessionToken: 'Session Token',
    id: '应用凭证 ID',
    secret: '应用凭证密钥',
    user: '用户名',
    userDomain: '用户所属域',
    password: '密码',
    project: '项目',
    projectDomain: '项目所属域',
    reference: '凭证引用',
  },
  fieldHint: {
    sessionToken: '仅临时密钥需要填写。',
    userDomain: '留空则为 Default。',
    projectDomain: '留空则为 Default。',
  },
}

const WORDS: Record<Language, ConnectionWords> = { en, zh }

export const useConnectionWords = (): ConnectionWords => WORDS[useSettings().language]
