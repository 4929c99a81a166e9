import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './redis.ts'

export const hasNginx = spawnSync('nginx', ['-v']).status === 0

/** The configurations of the documentation: examples/nginx. */
type Documented = 'stock' | 'websocket'

/** A real nginx in front of a gateway, configured as in the documentation, and with these settings of its server. */
export async function startNginx(upstream: string, documented: Documented, settings = '') {
  const port = await freePort()
  const file = new URL(`../../examples/nginx/${documented}.conf`, import.meta.url)
  const location = (await readFile(file, 'utf8')).replace('http://127.0.0.1:4000', upstream)
  const { stop } = await launch(`server { listen 127.0.0.1:${port}; ${settings} ${location} }`, port)
  return { url: `http://localhost:${port}`, [Symbol.asyncDispose]: stop }
}

/** What a proxy needs besides `proxy_pass`: the name that the client used, and WebSockets. */
const PROXY = `proxy_http_version 1.1; proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;`

/** A real nginx in front of several gateways, each given as `host:port`. */
export async function startBalancer(gateways: readonly string[], port?: number) {
  const listening = port ?? (await freePort())
  const configOf = (addresses: readonly string[]) =>
    `map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream gateways { ${addresses.map((address) => `server ${address};`).join(' ')} }
    server { listen 127.0.0.1:${listening}; location / { proxy_pass http://gateways; ${PROXY} } }`
  const { reload, stop } = await launch(configOf(gateways), listening)
  return {
    url: `http://127.0.0.1:${listening}`,
    /** From now on, new connections go to these gateways only; those that are open stay. */
    useOnly: (addresses: readonly string[]) => reload(configOf(addresses)),
    [Symbol.asyncDispose]: stop,
  }
}

/** The configuration of `deploy/`, in front of these gateways; for one machine, whose files are in `dir`. */
export async function deployedConfig(
  gateways: readonly string[],
  dir: string,
  port: number,
): Promise<string> {
  const given = await readFile(new URL('../../deploy/nginx/snapgate.conf', import.meta.url), 'utf8')
  const hosts = gateways.map((url) => new URL(url).host.replace('localhost', '127.0.0.1'))
  return `daemon off;\n${given
    .replaceAll('/tmp/', `${dir}/`)
    .replace('worker_processes auto', 'worker_processes 1')
    .replace('worker_connections 16384', 'worker_connections 256')
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace(/server snapgate:4000(.*);/, (_, options: string) =>
      hosts.map((host) => `server ${host}${options};`).join(' '),
    )}`
}

/** A real nginx as it is deployed in front of several gateways. */
export async function startDeployedNginx(gateways: readonly string[]) {
  const port = await freePort()
  const { stop } = await launchWhole((dir) => deployedConfig(gateways, dir, port), port)
  return { url: `http://localhost:${port}`, [Symbol.asyncDispose]: stop }
}

async function launch(servers: string, port: number) {
  const configOf = (http: string) => (dir: string) => {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${dir}/${name};`,
    )
    return `daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
      events { worker_connections 4096; }
      http { access_log off; ${paths.join(' ')} ${http} }`
  }
  const { reload, stop } = await launchWhole(configOf(servers), port)
  return { reload: (http: string) => reload(configOf(http)), stop }
}

type ConfigOf = (dir: string) => string | Promise<string>

async function launchWhole(configOf: ConfigOf, port: number) {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-nginx-'))
  const write = async (config: ConfigOf) => writeFile(join(dir, 'nginx.conf'), await config(dir))
  await write(configOf)
  const child = spawn('nginx', ['-e', `${dir}/error.log`, '-p', dir, '-c', join(dir, 'nginx.conf')], {
    stdio: 'ignore',
  })
  while (!(await accepts(port))) {
    if (child.exitCode !== null)
      throw new Error(`nginx did not start: ${await readFile(`${dir}/error.log`, 'utf8')}`)
    await pause(20)
  }
  return {
    reload: async (config: ConfigOf): Promise<void> => {
      await write(config)
      child.kill('SIGHUP')
    },
    stop: async (): Promise<void> => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(dir, { recursive: true })
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
