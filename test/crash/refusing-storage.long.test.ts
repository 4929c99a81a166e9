import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { START_ARGS } from '../../bench/npm-start.ts'
import { writeImage } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { works } from '../support/file-systems.ts'
import { CAN_MOUNT, coverReadOnly } from '../support/mounts.ts'
import { startGateway } from '../support/process.ts'

const NOBODY = 65_534

/** What makes the directory of snapshots refuse, for a gateway without the rights of root; and what clients read of it. */
const WAYS: [what: string, refuse: (directory: string) => () => void, reason: string][] = [
  [
    'read-only',
    (directory) => {
      const cover = coverReadOnly(directory)
      return () => cover[Symbol.dispose]()
    },
    'The file system is read-only. Mount it for writing.',
  ],
  [
    'somebody else’s',
    (directory) => {
      chownSync(directory, 0, 0)
      chmodSync(directory, 0o755)
      for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o755)
      chownSync(join(directory, '.partial'), 0, 0)
      return () => {
        chownSync(join(directory, '.partial'), NOBODY, NOBODY)
        chownSync(directory, NOBODY, NOBODY)
      }
    },
    'The gateway has no permission for this where disks or snapshots are kept. Give it that permission.',
  ],
]

const STATES = `{
  snapshots { nodes { name status failureReason operation { kind } transitions { to reason } } }
  disks { nodes { name status statusReason operation { kind } } }
}`

const CAN_BE_NOBODY = process.getuid?.() === 0 && CAN_MOUNT && works(`setpriv --reuid=${NOBODY} true`)

test.skipIf(!CAN_BE_NOBODY).each(WAYS)(
  'when the directory of snapshots is %s all work ends with the reason, no disk stays locked, and all is well afterwards',
  async (_what, refuse, reason) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'snapgate-'))
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
    mkdirSync(join(dataDir, 'disks'))
    const image = (name: string) => join(dataDir, 'disks', `${name}.img`)
    const names = ['copied', 'deleted', 'rolled', 'resized', 'released']
    for (const name of names) await writeImage(image(name), 4, 1)
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, dataDir])
    const as = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    const environment = { DATA_DIR: dataDir, DEMO: 'false', LOG_LEVEL: 'fatal' }
    const gateway = await startGateway(environment, [...as, process.execPath, ...START_ARGS])
    onTestFinished(() => gateway[Symbol.asyncDispose]())
    const ask = async (query: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await postGraphql(gateway.endpoint, query, variables)
      expect(errors).toBe(undefined)
      return data
    }
    /** Has a mutation accepted, and gives what is selected of its payload. */
    async function accept(verb: string, input: object, selection = '__typename'): Promise<any> {
      const Verb = verb.charAt(0).toUpperCase() + verb.slice(1)
      const document = `mutation ($input: ${Verb}Input!) { answer: ${verb}(input: $input) {
        ... on ${Verb}Payload { ${selection} } ... on UserError { message } } }`
      const { answer } = await ask(document, { input })
      expect([verb, answer]).toEqual([verb, expect.not.objectContaining({ message: expect.anything() })])
      return answer
    }
    const ended = async () => {
      await expect
        .poll(
          async () => {
            const { snapshots, disks } = await ask(STATES)
            return [...snapshots.nodes, ...disks.nodes].filter(({ operation }) => operation !== null)
          },
          { timeout: 60_000 },
        )
        .toEqual([])
      const { snapshots, disks } = await ask(STATES)
      const by = (nodes: { name: string }[]) => Object.fromEntries(nodes.map((node) => [node.name, node]))
      return { snapshots: by(snapshots.nodes) as any, disks: by(disks.nodes) as any }
    }
    const disk: Record<string, string> = {}
    for (const name of names) {
      const input = { path: image(name), name, kind: 'DATA' }
      disk[name] = (await accept('registerDisk', input, 'disk { id }')).disk.id as string
    }
    const take = async (name: string) =>
      (await accept('createSnapshot', { diskId: disk[name], name }, 'snapshot { id }')).snapshot.id as string
    const [deleted, rolled] = [await take('deleted'), await take('rolled')]
    expect((await ended()).snapshots.rolled.status).toBe('COMPLETED')

    let undo: (() => void) | undefined = refuse(join(dataDir, 'snapshots'))
    const repair = () => {
      undo?.()
      undo = undefined
    }
    onTestFinished(repair)
    await take('copied')
    await accept('deleteSnapshot', { snapshotId: deleted })
    await accept('rollBackDisk', { diskId: disk['rolled'], snapshotId: rolled })
    await accept('resizeDisk', { diskId: disk['resized'], sizeGiB: 6 })
    await accept('releaseDisk', { diskId: disk['released'] })
    await accept('createDisk', { name: 'created', sizeGiB: 5 })
    const { snapshots, disks } = await ended()
    expect(snapshots.copied).toMatchObject({ status: 'FAILED', failureReason: `${reason} Then try again.` })
    const [last] = (snapshots.deleted.transitions as unknown[]).toReversed()
    expect([snapshots.deleted.status, last]).toEqual([
      'COMPLETED',
      { to: 'COMPLETED', reason: `The snapshot could not be deleted. ${reason} Then delete it again.` },
    ])
    for (const name of names) expect([name, disks[name].status]).toEqual([name, 'UNMOUNTED'])
    expect(disks.created).toMatchObject({ status: 'ERROR', statusReason: `${reason} Then try again.` })

    repair()
    await accept('deleteSnapshot', { snapshotId: deleted })
    await accept('rollBackDisk', { diskId: disk['rolled'], snapshotId: rolled })
    await accept('resizeDisk', { diskId: disk['resized'], sizeGiB: 6 })
    await accept('releaseDisk', { diskId: disk['released'] })
    const after = await ended()
    expect(Object.keys(after.snapshots).sort()).toEqual(['copied', 'rolled'])
    expect(Object.keys(after.disks)).not.toContain('released')
    expect(readdirSync(join(dataDir, 'snapshots')).sort()).toEqual(['.partial', rolled].sort())
    expect(await gateway.stop('SIGTERM')).toBe(0)
  },
)
