import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError } from '../src/config.ts'
import { loadConfig } from '../src/environment.ts'
import { run } from './support/process.ts'

/** A directory with a file of settings, readable for its owner only, and what is loaded with it. */
async function settings(text: string, mode = 0o600) {
  const dir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  const file = join(dir, 'settings')
  await writeFile(file, text)
  await chmod(file, mode)
  return {
    dir,
    file,
    async load(environment: Record<string, string> = {}) {
      const warnings: string[] = []
      try {
        const config = await loadConfig({ ENV_FILE: file, DATA_DIR: dir, ...environment }, (text) =>
          warnings.push(text),
        )
        return { config, warnings, problems: [] }
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        return { config: undefined, warnings, problems: error.problems }
      }
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  }
}

test('the file of settings is read, and the environment wins', async () => {
  await using given = await settings(
    '\uFEFF# a comment\nPORT=5000 # another\r\nexport LOG_LEVEL="warn"\nDISK_DIRS=\nJWT_ROLE_CLAIM=a b\n',
  )

  expect(await given.load({ LOG_LEVEL: 'error' })).toMatchObject({
    config: { port: 5000, logLevel: 'error', diskDirs: [join(given.dir, 'disks')] },
    warnings: [],
  })
  expect(await given.load({ PORT: '' })).toMatchObject({ config: { port: 4000 } })
})

test('a file of settings that is named and cannot be read is a problem', async () => {
  await using given = await settings('')
  const missing = join(given.dir, 'missing')

  expect((await given.load({ ENV_FILE: missing, PORT: 'x' })).problems).toEqual([
    `ENV_FILE must be a file that can be read; ${missing} cannot (ENOENT).`,
    'PORT must be a whole number from 0 to 65535; it is "x".',
  ])
  expect((await given.load({ ENV_FILE: given.dir })).problems).toEqual([
    `ENV_FILE must be a file that can be read; ${given.dir} cannot (EISDIR).`,
  ])
})

test('a file with a secret that others can read is reported', async () => {
  const secret = 'JWT_ISSUER=i\nJWT_AUDIENCE=a\nJWT_SECRET=a secret of at least 32 bytes, as it must be\n'
  await using open = await settings(secret, 0o644)
  await using closed = await settings(secret)
  await using harmless = await settings('PORT=1\n', 0o644)

  expect((await open.load()).warnings).toEqual([
    `${open.file} holds JWT_SECRET, and others can read it: chmod 600 ${open.file}`,
  ])
  expect((await closed.load()).warnings).toEqual([])
  expect((await harmless.load()).warnings).toEqual([])
})

test.each([
  ['PROT', 'PORT'],
  ['port', 'PORT'],
  ['SNAPGATE_PORT', 'PORT'],
  ['HOTS', 'HOST'],
  ['MAX_COSTS', 'MAX_COST'],
  ['SNAPSHOT_QUOTA_MANAUL', 'SNAPSHOT_QUOTA_MANUAL'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DISKS_DIR', 'DISK_DIRS'],
  ['TRUSTED_DOCUMENT', 'TRUSTED_DOCUMENTS'],
  ['SHUTDOWN_SECONDS', undefined],
  ['JWT_KEY', undefined],
  ['LOG_FORMAT', undefined],
  ['SNAPGATE_COLOUR', undefined],
])('%s is reported as unknown; meant is perhaps %s', async (name, meant) => {
  await using given = await settings('')
  await using stored = await settings(`${name}=1\n`)
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
  const isOurs = name !== 'SHUTDOWN_SECONDS'

  expect((await given.load({ [name]: '1' })).warnings).toEqual(
    isOurs ? [`${name} is not a variable of Snapgate and is ignored.${hint}`] : [],
  )
  // In our own file, everything is meant for us.
  expect((await stored.load()).warnings).toEqual([
    `${name} in ${stored.file} is not a variable of Snapgate and is ignored.${hint}`,
  ])
})

test('variables of others are not reported', async () => {
  await using given = await settings('')
  const names =
    'PATH HOME HOSTNAME HOSTTYPE USER LOGNAME LANG LC_ALL TERM SHELL SHLVL PWD OLDPWD _ EDITOR TMPDIR CI DEBUG NODE_ENV NODE_OPTIONS npm_config_cache npm_lifecycle_event INIT_CWD SSH_AUTH_SOCK XDG_RUNTIME_DIR GITHUB_ACTIONS KUBERNETES_PORT REDIS_PORT CLOUD_SDK_VERSION CLOUD_PROVIDER'
  const foreign = Object.fromEntries(names.split(' ').map((name) => [name, 'x']))
  const links = {
    SNAPGATE_SERVICE_HOST: '10.0.0.1',
    SNAPGATE_SERVICE_PORT: '4000',
    SNAPGATE_PORT: 'tcp://10.0.0.1:4000',
    SNAPGATE_PORT_4000_TCP: 'tcp://10.0.0.1:4000',
    SNAPGATE_PORT_4000_TCP_PROTO: 'tcp',
    SNAPGATE_PORT_4000_TCP_ADDR: '10.0.0.1',
  }

  expect((await given.load({ ...foreign, ...links })).warnings).toEqual([])
})

test('directories and files that cannot be used are in the list with all other problems', async () => {
  await using given = await settings('')
  const inFile = join(given.file, 'deep', 'data')
  const missing = join(given.dir, 'missing')

  expect(
    (
      await given.load({
        DATA_DIR: inFile,
        DISK_DIRS: `${missing}:acme=${given.file}:${given.dir}`,
        TRUSTED_DOCUMENTS: missing,
        PORT: '-1',
      })
    ).problems,
  ).toEqual([
    'PORT must be a whole number from 0 to 65535; it is "-1".',
    `DATA_DIR must be a directory that can be written; ${given.file} is not a directory.`,
    `DISK_DIRS must name directories that can be read; ${missing} does not exist.`,
    `DISK_DIRS must name directories that can be read; ${given.file} is not a directory.`,
    `TRUSTED_DOCUMENTS must name files that can be read; ${missing} does not exist.`,
  ])
  expect((await given.load({ DATABASE_URL: `file:${inFile}` })).problems).toEqual([
    `DATABASE_URL must name a file that can be written; ${given.file} is not a directory.`,
  ])
  expect((await given.load({ DATABASE_URL: `file:${given.dir}` })).problems).toEqual([
    `DATABASE_URL must name a file that can be written; ${given.dir} is not a file.`,
  ])
  expect((await given.load({ TRUSTED_DOCUMENTS: given.dir })).problems).toEqual([
    `TRUSTED_DOCUMENTS must name files that can be read; ${given.dir} is not a file.`,
  ])
  await mkdir(join(given.dir, 'data'))
  await writeFile(join(given.dir, 'data', 'snapshots'), '')
  expect((await given.load({ DATA_DIR: join(given.dir, 'data') })).problems).toEqual([
    `DATA_DIR must be a directory that can be written; ${join(given.dir, 'data', 'snapshots')} is not a directory.`,
  ])
  expect((await given.load({ DATA_DIR: '  ' })).problems).toEqual([
    'DATA_DIR must be a directory; it is "  ".',
  ])
})

test('the gateway and the commands list the problems and report what is misspelt', async () => {
  await using given = await settings('PROT=5000\n')
  const environment = { ENV_FILE: given.file, DATA_DIR: join(given.file, 'data') }
  const problem = `Invalid configuration:\n  DATA_DIR must be a directory that can be written; ${given.file} is not a directory.\n`
  const report = `PROT in ${given.file} is not a variable of Snapgate and is ignored. Did you mean PORT?\n`

  expect(await run('src/main.ts', [], environment)).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: report + problem,
  })
  expect(await run('src/commands/token.ts', ['list'], environment)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: report + problem,
  })
})
