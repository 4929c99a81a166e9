/**
 * `node scripts/image.ts`: runs the steps of the Dockerfile for the commit that is checked out, without a container engine, and
 * starts the result as an engine would: as its user, with a read-only root file system, in namespaces of its own. Needs root,
 * debootstrap, unshare and setpriv; `DEBIAN_ROOT` names a base system to copy instead of making one.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { bytesIn, fail, installProduction, run } from './production.ts'

const root = process.cwd()
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ')
const [, final = ''] = /^FROM debian:bookworm-slim\n(.*)/ms.exec(dockerfile) ?? []
const all = (instruction: string) =>
  [...final.matchAll(new RegExp(`^${instruction} +(.+)$`, 'gm'))].map(([, text = '']) => text.trim())

using work = mkdtempDisposableSync(join(tmpdir(), 'snapgate-image-'))
const [app, pinned, image] = ['app', 'node', 'image'].map((name) => join(work.path, name)) as [
  string,
  string,
  string,
]
installProduction(root, 'HEAD', app, pinned)

const { DEBIAN_ROOT } = process.env
if (DEBIAN_ROOT === undefined) run('debootstrap', ['--variant=minbase', 'bookworm', image], work.path)
else run('cp', ['-a', DEBIAN_ROOT, image], work.path)
run(
  'rm',
  [
    '-rf',
    ...['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'].map(
      (part) => join(image, part),
    ),
  ],
  work.path,
)
const baseBytes = bytesIn(image)

for (const command of all('RUN')) run('chroot', [image, 'sh', '-ec', command], work.path)
for (const copy of all('COPY')) {
  const [, from = '', to = ''] =
    /^--from=build (\S+) (\S+)$/.exec(copy) ?? fail(`Not understood: COPY ${copy}`)
  const target = join(
    image,
    to.startsWith('/') ? to : join('/app', to, to === './' ? from.slice('/app/'.length) : ''),
  )
  mkdirSync(dirname(target), { recursive: true })
  cpSync(from.startsWith('/app/') ? join(app, from.slice('/app/'.length)) : pinned, target, {
    recursive: true,
    verbatimSymlinks: true,
  })
}
const megabytes = (bytes: number) => Math.round(bytes / 1e6)
console.log(
  `The image takes ${megabytes(bytesIn(image))} MB, ${megabytes(baseBytes)} MB of it the base system.`,
)

const environment = Object.fromEntries(
  all('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string])),
)
const [user = ''] = all('USER')
const [uid = '', gid = ''] = user.split(':')
const json = (text: string | undefined) => JSON.parse(text ?? fail('There is no command.')) as string[]
const [command, health] = [
  json(all('CMD').at(-1)),
  json(/CMD (\[.+\])$/.exec(all('HEALTHCHECK')[0] ?? '')?.[1]),
]

/** Mounts what an engine mounts, and replaces itself with the command: it is process 1, and can write to the volume and /tmp only. */
const ENTER = `
mount --bind "$IMAGE" "$IMAGE"
mount -t proc proc "$IMAGE/proc"
mount -t tmpfs -o mode=1777 tmpfs "$IMAGE/tmp"
mkdir -p "$VOLUME"; chown "$OWNER" "$VOLUME"; chmod 0700 "$VOLUME"
mount --bind "$VOLUME" "$IMAGE/data"
mount -o remount,ro,bind "$IMAGE"
cd "$IMAGE"
exec chroot "$IMAGE" setpriv --reuid "$REUID" --regid "$REGID" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
  env -i PATH=/usr/local/bin:/usr/bin:/bin "$@"`

function enter(args: readonly string[], settings: Record<string, string> = {}) {
  const variables = Object.entries({ ...environment, ...settings }).map(([name, value]) => `${name}=${value}`)
  return spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      'sh',
      '-ec',
      ENTER,
      'sh',
      ...variables,
      'sh',
      '-c',
      'cd /app; exec "$@"',
      'sh',
      ...args,
    ],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        IMAGE: image,
        VOLUME: join(work.path, 'volume'),
        OWNER: user,
        REUID: uid,
        REGID: gid,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
}

/** Runs a command in the image to its end; fails unless it exits with this code. */
async function expectExit(
  code: number,
  args: readonly string[],
  settings?: Record<string, string>,
): Promise<void> {
  const [exit] = (await once(enter(args, settings), 'exit')) as [number | null]
  if (exit !== code) fail(`${args.join(' ')} ended with ${exit}, not ${code}.`)
}

const PORT = '4917'
await expectExit(1, ['touch', '/app/new'])
await expectExit(0, ['touch', '/data/new', '/tmp/new'])
await expectExit(0, [
  ...command.slice(0, -1),
  'src/commands/token.ts',
  'create',
  '--name',
  'me',
  '--role',
  'admin',
])

const gateway = enter(command, { PORT })
const ended = once(gateway, 'exit') as Promise<[number | null]>
const ready = async () =>
  fetch(`http://127.0.0.1:${PORT}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )
for (let waited = 0; !(await ready()); waited += 100) {
  if (waited > 30_000) fail('The gateway did not become ready.')
  await pause(100)
}
await expectExit(0, health, { PORT })
await expectExit(1, health, { PORT: '4918' })
const closed = await fetch(`http://127.0.0.1:${PORT}/graphql?query={__typename}`)
if (closed.status !== 401) fail(`Without a credential the gateway answers ${closed.status}.`)
if (!existsSync(join(work.path, 'volume', 'snapgate.db'))) fail('The database is not on the volume.')

const [first = ''] = run('pgrep', ['-P', String(gateway.pid)], root).split('\n')
const begun = performance.now()
process.kill(Number(first), 'SIGTERM')
const [exit] = await ended
if (exit !== 0) fail(`SIGTERM to process 1 ended the gateway with ${exit}.`)
console.log(
  `The gateway ran as ${user} on a read-only root, and stopped in ${Math.round(performance.now() - begun)} ms.`,
)
