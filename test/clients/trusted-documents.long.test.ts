import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startGateway } from '../support/process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Tool {
  /** What a project has for it: contents by path. */
  files: Record<string, string>
  /** The commands that write the documents, each a program of npm with its arguments. */
  commands: string[][]
  /** Where they are written. */
  output: string
  /** The ids in what was written. */
  idsOf: (written: any) => string[]
}

const queryOf = (name: string) => `query ${name} { viewer { role } }`

/** Each tool with the settings that its documentation gives for persisted documents. */
const TOOLS: Record<string, Tool> = {
  'relay-compiler': {
    files: {
      'relay/relay.ts': `import { graphql } from 'relay-runtime'
        export const query = graphql\`${queryOf('relayQuery')}\``,
      'relay.config.json': JSON.stringify({
        src: 'relay',
        schema: 'schema.graphql',
        language: 'typescript',
        artifactDirectory: 'relay/__generated__',
        persistConfig: { file: 'relay.json', algorithm: 'SHA256' },
      }),
      // They have to exist.
      'relay/__generated__/.keep': '',
      'relay.json': '{}',
    },
    commands: [['relay-compiler', 'relay.config.json']],
    output: 'relay.json',
    idsOf: Object.keys,
  },
  'GraphQL Code Generator': {
    files: {
      'codegen/query.graphql': queryOf('CodegenQuery'),
      'codegen.json': JSON.stringify({
        schema: 'schema.graphql',
        documents: 'codegen/*.graphql',
        generates: { 'codegen/out/': { preset: 'client', presetConfig: { persistedDocuments: true } } },
      }),
    },
    commands: [['graphql-codegen', '--config', 'codegen.json']],
    output: 'codegen/out/persisted-documents.json',
    idsOf: Object.keys,
  },
  'gql.tada': {
    files: {
      'tada/query.ts': `import { initGraphQLTada } from 'gql.tada'
        import type { introspection } from '../graphql-env.d.ts'
        const graphql = initGraphQLTada<{ introspection: introspection }>()
        export const persisted = graphql.persisted('tada-1', graphql(\`${queryOf('TadaQuery')}\`))`,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'esnext',
          moduleResolution: 'bundler',
          allowImportingTsExtensions: true,
          noEmit: true,
          plugins: [
            {
              name: 'gql.tada/ts-plugin',
              schema: './schema.graphql',
              tadaOutputLocation: './graphql-env.d.ts',
              tadaPersistedLocation: './tada.json',
            },
          ],
        },
        include: ['tada'],
      }),
    },
    commands: [
      ['gql.tada', 'generate-output'],
      ['gql.tada', 'generate-persisted'],
    ],
    output: 'tada.json',
    idsOf: Object.keys,
  },
  'Apollo Client': {
    files: {
      'apollo/query.graphql': queryOf('ApolloQuery'),
      'apollo.config.json': JSON.stringify({ documents: ['apollo/*.graphql'], output: 'apollo.json' }),
    },
    commands: [['generate-persisted-query-manifest', '--config', 'apollo.config.json']],
    output: 'apollo.json',
    idsOf: ({ operations }: { operations: { id: string }[] }) => operations.map(({ id }) => id),
  },
}

/** A project of a frontend team, with the schema and the packages. */
async function newProject(files: Record<string, string>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-project-'))
  const write = (more: Record<string, string>) => {
    for (const [name, content] of Object.entries(more)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true })
      writeFileSync(join(folder.path, name), content)
    }
  }
  write({
    ...files,
    'package.json': '{"type":"module"}',
    'schema.graphql': readFileSync(join(ROOT, 'schema.graphql'), 'utf8'),
  })
  symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'))
  return Object.assign(folder, { write })
}

async function post(endpoint: string, documentId: string) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ documentId }),
  })
  return (await response.json()) as {
    data?: unknown
    errors?: { message: string; extensions: { code: string } }[]
  }
}

test('documents that relay-compiler, GraphQL Code Generator, gql.tada and Apollo have written are trusted, and no others', async () => {
  const tools = Object.values(TOOLS)
  await using project = await newProject(Object.assign({}, ...tools.map(({ files }) => files)))
  await using data = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const ids: string[] = []
  for (const { commands, output, idsOf } of tools) {
    for (const [program = '', ...args] of commands)
      await promisify(execFile)(join(ROOT, 'node_modules/.bin', program), args, { cwd: project.path })
    const written = idsOf(JSON.parse(readFileSync(join(project.path, output), 'utf8')))
    expect([output, written.length]).toEqual([output, 1])
    ids.push(...written)
  }
  await using gateway = await startGateway({
    DATA_DIR: data.path,
    DEMO: 'false',
    TRUSTED_DOCUMENTS: tools.map(({ output }) => join(project.path, output)).join(':'),
    TRUSTED_DOCUMENTS_ONLY: 'true',
  })
  for (const id of ids)
    expect([id, (await post(gateway.endpoint, id)).data]).toMatchObject([id, { viewer: { role: 'ADMIN' } }])
  expect((await post(gateway.endpoint, 'tada-2')).errors?.[0]?.extensions.code).toBe('DOCUMENT_NOT_TRUSTED')
}, 120_000)

test('SIGHUP reads the files again: a new document runs, one that no longer fits says so, the others stay', async () => {
  await using project = await newProject({
    'documents.json': JSON.stringify({ kept: queryOf('Kept'), old: queryOf('Old') }),
  })
  await using data = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  await using gateway = await startGateway({
    DATA_DIR: data.path,
    DEMO: 'false',
    TRUSTED_DOCUMENTS: join(project.path, 'documents.json'),
    TRUSTED_DOCUMENTS_ONLY: 'true',
  })
  expect((await post(gateway.endpoint, 'old')).data).toEqual({ viewer: { role: 'ADMIN' } })

  project.write({
    'documents.json': JSON.stringify({
      kept: queryOf('Kept'),
      old: '{ viewer { name } }',
      new: queryOf('New'),
    }),
  })
  gateway.child.kill('SIGHUP')

  await expect
    .poll(async () => (await post(gateway.endpoint, 'new')).data)
    .toEqual({ viewer: { role: 'ADMIN' } })
  expect((await post(gateway.endpoint, 'kept')).data).toEqual({ viewer: { role: 'ADMIN' } })
  expect((await post(gateway.endpoint, 'old')).errors).toMatchObject([
    {
      message: `The trusted document "old" does not fit the gateway's schema or limits.`,
      extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
    },
  ])
  expect(gateway.stdout()).toContain('Cannot query field \\"name\\" on type \\"Viewer\\".')
  expect(gateway.child.exitCode).toBeNull()
})
