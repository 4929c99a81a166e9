import { describe, expect, test } from 'vitest'
import {
  authorizationOf,
  bceDate,
  canonicalHeaders,
  canonicalQuery,
  encodeStrictly,
  headersToSign,
} from '../../../src/providers/baidu/signature.ts'

const MY_KEY = { accessKeyId: 'my_ak', secretAccessKey: 'my_sk' }
const MY_TIME = new Date('2014-06-13T05:57:36Z')

describe('the signature of', () => {
  const UPLOAD = {
    method: 'PUT',
    path: '/v1/test/myfolder/readme.txt',
    query: new Map([
      ['partNumber', '9'],
      ['uploadId', 'a44cc9bab11cbd156984767aad637851'],
    ]),
    at: new Date('2015-04-27T08:23:49Z'),
  }
  const UPLOAD_KEY = { accessKeyId: 'a'.repeat(32), secretAccessKey: 'b'.repeat(32) }

  test('an upload, by the documentation, with all its headers', () => {
    const headers = {
      Host: 'bj.bcebos.com',
      'Content-Type': 'text/plain',
      'Content-Length': '8',
      'Content-Md5': 'NFzcPqhviddjRNnSOGo4rw==',
      'x-bce-date': '2015-04-27T08:23:49Z',
    }
    expect(authorizationOf({ ...UPLOAD, headers }, UPLOAD_KEY)).toBe(
      `bce-auth-v1/${'a'.repeat(32)}/2015-04-27T08:23:49Z/1800/content-length;content-md5;content-type;host;x-bce-date/d74a04362e6a848f5b39b15421cb449427f419c95a480fd6b8cf9fc783e2999e`,
    )
  })

  test('an upload with two headers, by the tests of a public SDK', () => {
    const headers = { Host: 'bj.bcebos.com', 'x-bce-date': '2015-04-27T08:23:49Z' }
    expect(authorizationOf({ ...UPLOAD, headers }, UPLOAD_KEY)).toMatch(
      /\/host;x-bce-date\/1b8de5a23a56eef657c69f94c621e7acd227d049a4ba577f537d5e5cebf0cf32$/,
    )
  })

  test('parameters without a value, and a header that does not count', () => {
    const request = {
      method: 'PUT',
      path: '/v1/bucket/object1',
      query: new Map([
        ['A', ''],
        ['b', ''],
        ['C', 'd'],
      ]),
      headers: { Host: 'bce.baidu.com', abc: '123', 'x-bce-meta-key1': 'ABC' },
      at: MY_TIME,
    }
    expect(authorizationOf(request, MY_KEY)).toBe(
      'bce-auth-v1/my_ak/2014-06-13T05:57:36Z/1800/host;x-bce-meta-key1/80c9672aca2ea9af4bb40b9a8ff458d72df94e97d550840727f3a929af271d25',
    )
  })

  test('a deletion without a body', () => {
    const request = {
      method: 'DELETE',
      path: '/v1/test-bucket1361199862',
      query: new Map(),
      headers: { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': '0' },
      at: MY_TIME,
    }
    expect(authorizationOf(request, MY_KEY)).toMatch(
      /\/content-length;content-type\/c9386b15d585960ae5e6972f73ed92a9a682dc81025480ba5b41206d3e489822$/,
    )
  })

  test('a change with a flag and a session token', () => {
    const request = {
      method: 'PUT',
      path: '/v2/snapshot/s-hnsVUGIw',
      query: new Map([['modifyAttribute', '']]),
      headers: {
        Host: 'bcc.bj.baidubce.com',
        'Content-Type': 'application/json;charset=utf-8',
        'x-bce-date': bceDate(MY_TIME),
        'x-bce-security-token': 'my+token/==',
      },
      at: MY_TIME,
    }
    expect(authorizationOf(request, MY_KEY)).toMatch(
      /\/content-type;host;x-bce-date;x-bce-security-token\/1330c6dd86e4f234ee1cee5a4d0f61b302ee5cadab3230633be6326c6541fb46$/,
    )
  })

  test('a list with a marker, where the id of the request is not signed', () => {
    const request = {
      method: 'GET',
      path: '/v2/snapshot',
      query: new Map([
        ['marker', 's-1 /é'],
        ['maxKeys', '2'],
        ['volumeId', 'v-Trb3rQXa'],
      ]),
      headers: {
        Host: 'bcc.bj.baidubce.com',
        'x-bce-date': bceDate(MY_TIME),
        'x-bce-request-id': '5d2b0d5c-6a2f-4c0e-9f6e-1f0a7d1c2b3a',
      },
      at: MY_TIME,
    }
    expect(authorizationOf(request, MY_KEY)).toMatch(
      /\/host;x-bce-date\/a3a3572084dcc17a8494e1e89e6bc77729aece7cd287a6845d28603dc8458ec9$/,
    )
  })
})

test('every byte is encoded but those of letters, digits and -_.~', () => {
  expect(encodeStrictly("!'()*this is an example for 测试")).toBe(
    '%21%27%28%29%2Athis%20is%20an%20example%20for%20%E6%B5%8B%E8%AF%95',
  )
})

test('a query is sorted by its finished pairs', () => {
  const query = new Map([
    ['text', ''],
    ['text1', '测试'],
    ['text10', 'test'],
    ['authorization', 'is left out'],
  ])
  expect(canonicalQuery(query)).toBe('text10=test&text1=%E6%B5%8B%E8%AF%95&text=')
})

test('headers are trimmed, encoded and sorted, and those without a value left out', () => {
  const sent = { Host: ' localhost ', 'x-bce-a': 'a/b:c', C: '', 'Content-MD5': 'MD5', 'x-bce-empty': ' ' }
  expect(canonicalHeaders(headersToSign(sent))).toBe('content-md5:MD5\nhost:localhost\nx-bce-a:a%2Fb%3Ac')
})
