import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../redis.ts'
import { runToEnd, startServer } from './processes.ts'

/** When the application credential ends. */
export const CREDENTIAL_END = '2099-12-31T23:59:59.000000'

export const REGION = 'RegionOne'
export const ADMIN_PASSWORD = 'admin-password-of-the-test'

/** The identity service, with an administrator. */
export async function startKeystone(directory: string) {
  const url = `http://127.0.0.1:${String(await freePort())}`
  const file = join(directory, 'keystone.conf')
  await writeFile(
    file,
    `[DEFAULT]
log_dir = ${directory}
[database]
connection = sqlite:///${directory}/keystone.db
[fernet_tokens]
key_repository = ${directory}/fernet
[credential]
key_repository = ${directory}/credential
[identity]
password_hash_rounds = 4
`,
  )
  const manage = (...args: string[]) => runToEnd('keystone-manage', '--config-file', file, ...args)
  const owner = ['--keystone-user', 'root', '--keystone-group', 'root']
  await Promise.all([manage('db_sync'), manage('fernet_setup', ...owner)])
  const at = ['--bootstrap-region-id', REGION, '--bootstrap-public-url', `${url}/v3`]
  await manage('bootstrap', '--bootstrap-password', ADMIN_PASSWORD, ...at)
  const { port } = new URL(url)
  const server = await startServer(
    `exec keystone-wsgi-public --host 127.0.0.1 --port ${port}`,
    `${url}/v3`,
    join(directory, 'keystone.out'),
    { OS_KEYSTONE_CONFIG_FILES: file },
  )
  return { url, ...server }
}

/** Asks a service of OpenStack for something as one of its users; throws when it refuses. */
export type AskOpenStack = (method: string, path: string, body?: object) => Promise<any>

export function asker(base: string, token: string): AskOpenStack {
  return async (method, path, body) => {
    const answer = await fetch(base + path, {
      method,
      headers: {
        'x-auth-token': token,
        'content-type': 'application/json',
        'openstack-api-version': 'volume 3.66',
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${String(answer.status)}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}

const DOMAIN = { domain: { id: 'default' } }

/** A token of a user for a project. */
async function logIn(url: string, name: string, password: string, project: string): Promise<string> {
  const identity = { methods: ['password'], password: { user: { name, password, ...DOMAIN } } }
  const answer = await fetch(`${url}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: project, ...DOMAIN } } } }),
  })
  const token = answer.headers.get('x-subject-token')
  if (token === null) throw new Error(`Keystone does not let ${name} in: ${await answer.text()}`)
  return token
}

/** A project with a member, its application credential, and block storage at an address. */
export async function populate(url: string, blockStorage: string) {
  const admin = asker(`${url}/v3`, await logIn(url, 'admin', ADMIN_PASSWORD, 'admin'))
  const { service } = await admin('POST', '/services', { service: { type: 'volumev3', name: 'cinderv3' } })
  const endpoint = { interface: 'public', region: REGION, service_id: service.id }
  await admin('POST', '/endpoints', { endpoint: { ...endpoint, url: `${blockStorage}/v3/%(project_id)s` } })
  const { project } = await admin('POST', '/projects', {
    project: { name: 'customers', domain_id: 'default' },
  })
  const password = 'password-of-a-member'
  const { user } = await admin('POST', '/users', { user: { name: 'member', password, domain_id: 'default' } })
  const administrator = (await admin('GET', '/users?name=admin')).users[0]
  for (const [role, who] of [
    ['member', user],
    ['admin', administrator],
  ]) {
    const { roles } = await admin('GET', `/roles?name=${role}`)
    await admin('PUT', `/projects/${project.id}/users/${who.id}/roles/${roles[0].id}`)
  }
  const memberToken = await logIn(url, 'member', password, 'customers')
  const { application_credential: made } = await asker(`${url}/v3`, memberToken)(
    'POST',
    `/users/${user.id}/application_credentials`,
    { application_credential: { name: 'snapgate', expires_at: CREDENTIAL_END } },
  )
  return {
    project: project.id as string,
    adminToken: await logIn(url, 'admin', ADMIN_PASSWORD, 'customers'),
    memberToken,
    credential: { id: made.id as string, secret: made.secret as string },
  }
}
