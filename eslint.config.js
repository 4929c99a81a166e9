import { readdirSync } from 'node:fs'
import { defineConfig } from 'eslint/config'
import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'
import { noCircles } from './scripts/no-circles.ts'
import * as refusals from './src/domain/refusals.ts'

/** Which rooms of src/ a room may import from, besides itself. Imports go one way: each room stands below what it imports. */
export const ROOMS = {
  domain: [],
  native: [],
  tracing: [],
  database: ['domain', 'generated', 'native', 'tracing'],
  providers: ['domain', 'native'],
  transitions: ['database', 'domain', 'generated', 'tracing'],
  delivery: ['config', 'domain', 'transitions'],
  observability: ['config', 'database', 'domain', 'generated', 'providers', 'tracing'],
  services: ['database', 'domain', 'generated', 'providers', 'tracing', 'transitions'],
  reads: ['database', 'domain', 'generated'],
  runner: ['database', 'domain', 'generated', 'providers', 'services', 'tracing', 'transitions'],
  demo: ['database', 'domain', 'providers', 'services', 'transitions'],
  graphql: ['delivery', 'domain', 'generated', 'reads', 'services', 'transitions'],
  server: [
    'config',
    'database',
    'delivery',
    'domain',
    'graphql',
    'native',
    'observability',
    'reads',
    'services',
    'tracing',
  ],
  commands: [
    'config',
    'database',
    'domain',
    'environment',
    'providers',
    'services',
    'stop-signals',
    'tracing',
  ],
}

/** The rooms of console/ that a room may not import from: those above it, so that imports go one way. */
const ABOVE = {
  api: ['words', 'widgets', 'live', 'dialogs', 'pages'],
  words: ['widgets', 'live', 'dialogs', 'pages'],
  widgets: ['live', 'dialogs', 'pages'],
  live: ['dialogs', 'pages'],
  dialogs: ['pages'],
  pages: [],
}

const API_ONLY = {
  regex: '^(\\.\\./)+(src|test|scripts)/',
  message: 'The console knows the gateway by its API only.',
}

const EVERY_ROOM = readdirSync(new URL('src', import.meta.url)).map((name) => name.replace(/\.ts$/, ''))

const boundaries = Object.entries(ROOMS).map(([room, allowed]) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${EVERY_ROOM.filter((other) => other !== room && !allowed.includes(other)).join('|')})(/|\\.ts$)`,
            message: `src/${room} may import only from: ${[room, ...allowed].join(', ')}.`,
          },
        ],
      },
    ],
  },
}))

export default defineConfig(
  {
    ignores: [
      'src/generated/',
      'node_modules/',
      'data/',
      '**/__generated__/',
      'test/relay/fixture/',
      'client/dist/',
      'client/src/generated/',
      'bench/queries/servers/pothos.js',
      // Plain JavaScript, without types.
      'examples/*/*.js',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    plugins: { snapgate: { rules: { 'no-circles': noCircles } } },
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'snapgate/no-circles': 'error',
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
      // A Prisma promise that is not awaited never runs.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      '@typescript-eslint/require-await': 'off',
      // Refusals are thrown as the data they are: src/domain/refusals.ts.
      '@typescript-eslint/only-throw-error': [
        'error',
        {
          allow: ['Refusal', ...Object.keys(refusals)],
        },
      ],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  ...boundaries,
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'ExpressionStatement > CallExpression:matches([callee.object.name="sql"], [arguments.0.name="sql"])',
          message: 'Work is done, and its result taken, by yield*.',
        },
      ],
    },
  },
  {
    files: ['console/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat.recommended],
    rules: { 'no-restricted-imports': ['error', { patterns: [API_ONLY] }] },
  },
  ...Object.entries(ABOVE).map(([room, above]) => ({
    files: [`console/${room}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            API_ONLY,
            ...above.map((other) => ({
              regex: `^\\.\\./${other}/`,
              message: `console/${room} may not import from console/${other}.`,
            })),
          ],
        },
      ],
    },
  })),
  {
    files: ['src/domain/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          // Temporal is the language's own calendar, from a package only until every supported Node has it.
          selector:
            'AwaitExpression, ThrowStatement, ImportDeclaration[source.value=/^(?!\\.|temporal-polyfill$)/]',
          message: 'src/domain decides with the values it is given: no await, no throw, no packages.',
        },
      ],
    },
  },
  {
    // Tests compare whole answers of GraphQL, whose shape the test itself states.
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
    },
  },
  { files: ['**/*.config.{js,ts}'], rules: { 'no-restricted-exports': 'off' } },
)
