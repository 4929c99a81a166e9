import { existsSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { Rule } from 'eslint'
import ts from 'typescript'

/** The files that each file imports, for types too. */
const known = new Map<string, readonly string[]>()

function importsOf(file: string): readonly string[] {
  const found = known.get(file) ?? readImports(file)
  known.set(file, found)
  return found
}

function readImports(file: string): string[] {
  if (!/\.[jt]sx?$/.test(file) || !existsSync(file)) return []
  return ts
    .preProcessFile(readFileSync(file, 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => resolve(dirname(file), fileName))
}

/** The shortest way by imports from one file to another; undefined when there is none. */
function wayBetween(from: string, to: string): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]])
  for (const [file] of cameFrom) {
    if (file === to) {
      const way: string[] = []
      for (let at: string | undefined = file; at; at = cameFrom.get(at)) way.unshift(at)
      return way
    }
    for (const next of importsOf(file)) if (!cameFrom.has(next)) cameFrom.set(next, file)
  }
  return undefined
}

/** Reports an import that leads back to its own file. Unlike other checks, it follows imports of types. */
export const noCircles: Rule.RuleModule = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { circle: 'The file imports itself in a circle: {{ way }}.' },
  },
  create(context) {
    const { filename, cwd } = context
    known.delete(filename)
    return {
      ImportDeclaration(node) {
        const source = node.source.value
        if (typeof source !== 'string' || !source.startsWith('.')) return
        const way = wayBetween(resolve(dirname(filename), source), filename)
        if (way)
          context.report({
            node,
            messageId: 'circle',
            data: { way: way.map((file) => relative(cwd, file)).join(' → ') },
          })
      },
    }
  },
}
