import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { broken, type Mutant } from './changes.ts'
import { ROOT } from './copy.ts'

/** The mutants that docs/mutants.md lists, because they change nothing that anybody could see. */
export async function explainedMutants(): Promise<Set<string>> {
  const explained = new Set<string>()
  let file = ''
  let was = ''
  for (const line of (await readFile(join(ROOT, 'docs/mutants.md'), 'utf8')).split('\n')) {
    const [, kind, rest = ''] = /^(### |- |\+ )(.*)$/.exec(line) ?? []
    if (kind === '### ') file = rest
    if (kind === '- ') was = rest
    if (kind === '+ ') explained.add(`${file}\n- ${was}\n+ ${rest}`)
  }
  return explained
}

/** A mutant as its line before and after, without the line's number, which the next change to the file would shift. */
export function describe(mutant: Mutant, text: string): string {
  const index = text.slice(0, mutant.start).split('\n').length - 1
  const lineOf = (whole: string) => whole.split('\n')[index]?.trim() ?? ''
  return `${mutant.file}\n- ${lineOf(text)}\n+ ${lineOf(broken(text, mutant))}`
}
