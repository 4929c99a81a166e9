import { createBaiduCloud } from '../../../src/providers/baidu/baidu.ts'
import { createCinderCloud } from '../../../src/providers/cinder/cinder.ts'
import type { Cloud } from '../../../src/providers/cloud/cloud.ts'
import { BAIDU_KEY, baiduDialect } from './baidu.ts'
import { APPLICATION_CREDENTIAL, cinderDialect } from './cinder.ts'
import type { FakeCloud } from './engine.ts'
import { upstreamTo } from './upstream.ts'

/** What tests of both clouds start with: the client, and a disk that can be snapshotted; `busy` is a status that forbids it. */
export const DIALECTS = {
  baidu: {
    prefix: 'v',
    free: 'Available',
    busy: 'SnapshotProcessing',
    client: (cloud: FakeCloud): Cloud =>
      createBaiduCloud({
        endpoint: new URL('https://bcc.bj.baidubce.com'),
        key: () => Promise.resolve(BAIDU_KEY),
        upstream: upstreamTo(cloud, baiduDialect()),
        now: () => new Date(cloud.now()),
      }),
  },
  cinder: {
    prefix: '',
    free: 'available',
    busy: 'backing-up',
    client: (cloud: FakeCloud): Cloud =>
      createCinderCloud({
        authUrl: new URL('https://keystone.example.com/identity'),
        region: 'RegionOne',
        credentials: () => Promise.resolve(APPLICATION_CREDENTIAL),
        upstream: upstreamTo(cloud, cinderDialect()),
        now: () => new Date(cloud.now()),
      }),
  },
} as const
