import { spawnSync } from 'node:child_process'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { apiEntityV1alpha1Validator, componentEntityV1alpha1Validator } from '@backstage/catalog-model'
import { StatefulSet } from 'kubernetes-models/apps/v1'
import { Service } from 'kubernetes-models/v1'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import manifest from '../package.json' with { type: 'json' }
import { START_ARGS } from '../bench/npm-start.ts'
import { ENVIRONMENT, readConfig } from '../src/config.ts'
import { startTestApp } from './support/app.ts'
import { deployedConfig, hasNginx } from './support/nginx.ts'

const read = (file: string) => readFile(new URL(`../${file}`, import.meta.url), 'utf8')
const documents = async (file: string) =>
  parseAllDocuments(await read(file)).map((document) => document.toJS() as object)

/** Settings that the gateway does not have, and that Node does not read. */
const unknown = (names: readonly string[]) =>
  names.filter((name) => !(name in ENVIRONMENT.shape) && name !== 'NODE_ENV')

/** The last stage of the Dockerfile: what is in the image. */
const finalStage = async () =>
  (await read('Dockerfile'))
    .replaceAll('\\\n', ' ')
    .split(/^FROM /m)
    .at(-1) ?? ''
const instruction = (stage: string, name: string) =>
  [...stage.matchAll(new RegExp(`^${name} +(.+)$`, 'gm'))].map(([, text = '']) => text)

test('the image runs the gateway itself, as a user without rights, with one volume and a health check', async () => {
  const stage = await finalStage()
  const settings = instruction(stage, 'ENV').flatMap((line) =>
    line.split(' ').map((pair) => pair.split('=')[0] ?? ''),
  )

  expect(instruction(stage, 'CMD').map((command) => JSON.parse(command) as unknown)).toEqual([
    ['node', ...START_ARGS],
  ])
  expect(instruction(stage, 'USER')).toEqual(['10001:10001'])
  expect(instruction(stage, 'VOLUME')).toEqual(['/data'])
  expect(instruction(stage, 'HEALTHCHECK')).toHaveLength(1)
  expect(instruction(stage, 'STOPSIGNAL')).toEqual(['SIGTERM'])
  expect(unknown(settings)).toEqual([])
  expect(stage).toContain('REQUIRE_CREDENTIALS=true')
})

test('compose.yaml starts one gateway on a read-only root file system, without capabilities, on this machine only', async () => {
  const { services } = parse(await read('compose.yaml')) as { services: Record<string, object> }

  expect(services).toEqual({
    snapgate: expect.objectContaining({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      ports: ['127.0.0.1:4000:4000', '127.0.0.1:9464:9464'],
      volumes: ['data:/data'],
    }),
  })
  expect(composeProblems(await read('compose.yaml'))).toEqual([])
})

test('compose.several.yaml starts gateways on one PostgreSQL and one storage behind nginx, the only one to be reached', async () => {
  const { services } = parse(await read('compose.several.yaml')) as Compose

  expect(composeProblems(await read('compose.several.yaml'))).toEqual([])
  expect(Object.keys(services)).toEqual(['postgres', 'snapgate', 'nginx'])
  expect(services['snapgate']).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    deploy: { replicas: 2 },
    environment: { METRICS: '0.0.0.0:9464' },
    volumes: ['data:/data'],
  })
  expect(Object.values(services).map(({ ports }) => ports)).toEqual([
    undefined,
    undefined,
    ['127.0.0.1:4000:8080'],
  ])
  expect(services['nginx']?.volumes).toEqual(['./deploy/nginx/snapgate.conf:/etc/nginx/nginx.conf:ro'])
  // What Compose puts in is what the gateway reads.
  const { DATABASE_URL = '', ...environment } = services['snapgate']?.environment ?? {}
  const config = readConfig({
    ...environment,
    DATABASE_URL: DATABASE_URL.replace('${POSTGRES_PASSWORD}', 'secret'),
  })
  expect(config.databaseUrl).toBe('postgresql://snapgate:secret@postgres/snapgate')
  expect(config.metrics).toEqual({ host: '0.0.0.0', port: 9464 })
})

test('a compose file with a field that Compose does not have, or a setting that is not ours, does not pass', async () => {
  const text = await read('compose.yaml')

  expect(composeProblems(text.replace('read_only', 'read_onyl'))).toHaveLength(1)
  expect(composeProblems(text.replace('METRICS', 'METRIC'))).toEqual(['METRIC is no setting.'])
  expect(composeProblems(text.replace('volumes:\n  data:', 'volumes:\n  date:'))).toEqual([
    'data is no volume.',
  ])
})

test.skipIf(!hasNginx && process.env.CI === undefined)(
  'a real nginx accepts the configuration of deploy/nginx, and refuses it when a word is wrong (skipped without nginx)',
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-nginx-'))
    const file = join(folder.path, 'nginx.conf')
    const check = async (config: string) => {
      await writeFile(file, config)
      return spawnSync('nginx', ['-t', '-e', 'stderr', '-c', file]).status
    }
    const config = await deployedConfig(['http://localhost:4000'], folder.path, 8080)

    expect(await check(config)).toBe(0)
    expect(await check(config.replace('proxy_pass', 'proxy_past'))).toBe(1)
  },
)

/** Of the Compose Specification, what the files here use; each field with the values that are allowed. */
const TEXTS = z.array(z.string())
const COMPOSE = z.strictObject({
  services: z.record(
    z.string(),
    z.strictObject({
      build: z.literal('.').optional(),
      image: z.string(),
      restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']),
      user: z.string().optional(),
      read_only: z.boolean().optional(),
      tmpfs: TEXTS.optional(),
      cap_drop: TEXTS.optional(),
      security_opt: TEXTS.optional(),
      depends_on: z
        .record(z.string(), z.strictObject({ condition: z.enum(['service_started', 'service_healthy']) }))
        .optional(),
      deploy: z.strictObject({ replicas: z.int().positive() }).optional(),
      environment: z.record(z.string(), z.string()).optional(),
      expose: TEXTS.optional(),
      healthcheck: z
        .strictObject({
          test: TEXTS,
          interval: z.string().regex(/^\d+s$/),
          timeout: z.string().regex(/^\d+s$/),
          retries: z.int(),
        })
        .optional(),
      shm_size: z.string().optional(),
      stop_grace_period: z
        .string()
        .regex(/^\d+s$/)
        .optional(),
      ports: TEXTS.optional(),
      volumes: TEXTS.optional(),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
})
type Compose = z.output<typeof COMPOSE>

/** What is wrong with a compose file: its fields, what its services name, and the settings of the gateway. */
function composeProblems(text: string): string[] {
  const { data, error } = COMPOSE.safeParse(parse(text))
  if (!data) return error.issues.map(({ message }) => message)
  const services = Object.values(data.services)
  const named = services
    .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
    .filter((name) => !name.startsWith('.'))
  return [
    ...unknown(Object.keys(data.services['snapgate']?.environment ?? {})).map(
      (name) => `${name} is no setting.`,
    ),
    ...named.filter((name) => !(name in data.volumes)).map((name) => `${name} is no volume.`),
    ...services
      .flatMap(({ depends_on = {} }) => Object.keys(depends_on))
      .filter((name) => !(name in data.services))
      .map((name) => `${name} is no service.`),
  ]
}

test('the Kubernetes manifests fit the schemas of Kubernetes, and agree with the image, the settings and the probes', async () => {
  const [service, set] = (await documents('deploy/kubernetes/snapgate.yaml')) as [
    ConstructorParameters<typeof Service>[0],
    ConstructorParameters<typeof StatefulSet>[0],
  ]
  new Service(service).validate()
  const workload = new StatefulSet(set)
  workload.validate()
  const pod = workload.spec?.template.spec
  const container = pod?.containers[0]

  expect(workload.spec?.replicas).toBe(1)
  expect(`${pod?.securityContext?.runAsUser}:${pod?.securityContext?.runAsGroup}`).toBe('10001:10001')
  expect(container?.image).toBe(`snapgate:${manifest.version}`)
  expect(container?.securityContext).toMatchObject({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  })
  const env = Object.fromEntries(container?.env?.map(({ name, value = '' }) => [name, value]) ?? [])
  expect(unknown(Object.keys(env))).toEqual([])
  // Prometheus finds the metrics where the gateway serves them.
  const { port } = readConfig(env).metrics ?? {}
  expect(container?.ports).toContainEqual({ name: 'metrics', containerPort: port })
  expect(workload.spec?.template.metadata?.annotations).toEqual({
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': String(port),
    'prometheus.io/path': '/metrics',
  })
  await using app = await startTestApp()
  for (const probe of [container?.livenessProbe, container?.readinessProbe, container?.startupProbe])
    expect((await fetch(`${app.url}${probe?.httpGet?.path ?? ''}`)).status).toBe(200)
})

test('a manifest with a field of the wrong type, or without a required one, does not pass the schema check', async () => {
  const [, set] = (await documents('deploy/kubernetes/snapgate.yaml')) as [object, { spec: object }]
  const invalid = (spec: object) => new StatefulSet({ ...set, spec } as never)

  expect(() => invalid({ ...set.spec, replicas: 'one' }).validate()).toThrow()
  expect(() => invalid({}).validate()).toThrow()
})

test('catalog-info.yaml fits the schemas of Backstage', async () => {
  const [component, api] = await documents('catalog-info.yaml')

  expect(await componentEntityV1alpha1Validator.check(component as never)).toBe(true)
  // What is read from a file in the place of `$text`.
  const definition = { ...(api as { spec: object }).spec, definition: await read('schema.graphql') }
  expect(await apiEntityV1alpha1Validator.check({ ...api, spec: definition } as never)).toBe(true)
})

test('the systemd unit starts the gateway as npm start does', async () => {
  const unit = await read('deploy/systemd/snapgate.service')
  const settings =
    /^Environment=(.+)$/m
      .exec(unit)?.[1]
      ?.split(' ')
      .map((pair) => pair.split('=')[0] ?? '') ?? []

  expect(/^ExecStart=(.+)$/m.exec(unit)?.[1]).toBe(['/usr/bin/node', ...START_ARGS].join(' '))
  expect(unknown(settings)).toEqual([])
})

test('npm start gives V8 no flags, and start:small differs in nothing else', () => {
  const { start, 'start:small': small } = manifest.scripts

  expect(start).toBe('exec node --import ./src/compile-cache.ts src/main.ts')
  expect(small.replaceAll(/ --[\w-]+=\d+/g, '')).toBe(start)
})

test('the README requires the Node that engines requires', async () => {
  const [, version] = /You need Node ([\d.]+) or newer with npm/.exec(await read('README.md')) ?? []

  expect(`>=${version}`).toBe(manifest.engines.node)
})

test('the changelog has the form of Keep a Changelog', async () => {
  const [, ...versions] = (await read('CHANGELOG.md')).split(/^## /m)

  expect(versions[0]).toMatch(/^\[Unreleased\]\n/)
  for (const [index, text] of versions.entries()) {
    if (index > 0) expect(text).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d\n/)
    const kinds = [...text.matchAll(/^### (.+)$/gm)].map(([, kind = '']) => kind)
    expect(new Set(kinds).size).toBe(kinds.length)
    expect(kinds.filter((kind) => !KINDS.includes(kind))).toEqual([])
  }
})

const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
