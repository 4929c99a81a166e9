import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { canMount, works } from '../file-systems.ts'
import { startProxy } from '../proxy.ts'
import { freePort } from '../redis.ts'
import { ADMIN_PASSWORD, asker, populate, REGION, startKeystone } from './keystone.ts'
import { runToEnd, startServer } from './processes.ts'

/** Keystone and Cinder as Debian packages them; their storage is a folder that is mounted. */
export const hasOpenStack =
  process.getuid?.() === 0 &&
  canMount &&
  works(
    'for one in keystone-manage keystone-wsgi-public cinder-manage qemu-img unshare; do command -v $one; done',
  )

const PROGRAM = fileURLToPath(new URL('all_of_cinder.py', import.meta.url))
const SHARE = '127.0.0.1:/share'

export type OpenStack = Awaited<ReturnType<typeof startOpenStack>>

/**
 * A real Keystone and a real Cinder on ports of their own, with their databases and disks in a new folder. Clients of the
 * catalogue reach Cinder through a proxy, which can lose what it answers.
 */
export async function startOpenStack() {
  const directory = await mkdtemp(join(tmpdir(), 'snapgate-openstack-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${String(port)}`
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const [keystone] = await Promise.all([startKeystone(directory), prepareCinder(directory)])
  stack.defer(keystone.kill)
  const cinder = await startCinder(directory, port, keystone.url)
  stack.defer(cinder.kill)
  const proxy = await startProxy(port)
  stack.use(proxy)
  const { project, adminToken, memberToken, credential } = await populate(
    keystone.url,
    `http://127.0.0.1:${String(proxy.port)}`,
  )
  const member = asker(`${url}/v3/${project}`, memberToken)
  const admin = asker(`${url}/v3/${project}`, adminToken)
  const owned = stack.move()
  return {
    region: REGION,
    identity: keystone.url,
    hosts: [new URL(keystone.url).host, `127.0.0.1:${String(proxy.port)}`],
    credential,
    project,
    proxy,
    /** Asks Cinder itself, as the member of the project and as an administrator. */
    member,
    admin,
    kill: cinder.kill,
    startAgain: cinder.startAgain,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function prepareCinder(directory: string): Promise<void> {
  await writeFile(join(directory, 'shares'), `${SHARE}\n`)
  await mkdir(join(directory, 'disks'))
  await mkdir(mountPoint(directory), { recursive: true })
  const file = join(directory, 'database.conf')
  await writeFile(file, `[database]\nconnection = sqlite:///${directory}/cinder.db\n`)
  await runToEnd('cinder-manage', '--config-file', file, 'db', 'sync')
}

/** Where the driver looks for a share of NFS. It takes one that is mounted there as it is. */
const mountPoint = (directory: string) =>
  join(directory, 'mounts', createHash('md5').update(SHARE).digest('hex'))

async function startCinder(directory: string, port: number, identity: string) {
  const file = join(directory, 'cinder.conf')
  await writeFile(file, configuration(directory, port, identity))
  // The driver checks that it could mount, which it never does: the share is there.
  await mkdir(join(directory, 'bin'))
  await symlink('/bin/true', join(directory, 'bin', 'mount.nfs'))
  const script = `mount --bind ${directory}/disks ${mountPoint(directory)}
export PATH=${directory}/bin:$PATH
exec /usr/bin/python3 ${PROGRAM} --config-file ${file}`
  const start = () => startServer(script, `http://127.0.0.1:${String(port)}/`, join(directory, 'cinder.out'))
  let server = await start()
  return {
    kill: () => server.kill(),
    startAgain: async () => {
      server = await start()
    },
  }
}

const configuration = (directory: string, port: number, identity: string) => `[DEFAULT]
host = test
auth_strategy = keystone
transport_url = fake:/
state_path = ${directory}
log_dir = ${directory}
osapi_volume_listen = 127.0.0.1
osapi_volume_listen_port = ${String(port)}
osapi_volume_workers = 1
enabled_backends = nfs1
scheduler_driver_init_wait_time = 1
[database]
connection = sqlite:///${directory}/cinder.db
[oslo_concurrency]
lock_path = ${directory}/locks
[coordination]
backend_url = file://${directory}/coordination
[keystone_authtoken]
www_authenticate_uri = ${identity}
auth_url = ${identity}
auth_type = password
interface = public
username = admin
password = ${ADMIN_PASSWORD}
project_name = admin
user_domain_id = default
project_domain_id = default
[nfs1]
volume_driver = cinder.volume.drivers.nfs.NfsDriver
volume_backend_name = nfs1
nfs_shares_config = ${directory}/shares
nfs_mount_point_base = ${directory}/mounts
nfs_snapshot_support = true
nas_secure_file_operations = false
nas_secure_file_permissions = false
`
