import { existsSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { START_ARGS } from '../../bench/npm-start.ts'
import { works } from './file-systems.ts'

/** Whether the system calls of a process can be recorded here: strace is there, and may trace. */
export const CAN_TRACE = works('strace -f -qq -o /dev/null true')

const TRACED =
  'openat,write,writev,sendto,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat'

/** The command that starts the gateway and writes its system calls to a file, with the paths of descriptors. */
export function tracedStart(file: string): string[] {
  // The tracer is a grandchild (-D), so that signals and exit codes are those of the gateway.
  return [
    'strace',
    '-D',
    '-f',
    '-qq',
    '-y',
    '-s',
    '4200',
    '-e',
    `trace=${TRACED}`,
    '-o',
    file,
    process.execPath,
    ...START_ARGS,
  ]
}

/** A system call; when it began and when it returned, in lines of the trace. */
export interface SystemCall {
  name: string
  /** Its arguments: descriptors with their paths, and the text of what is written. */
  text: string
  began: number
  returned: number
}

const LINE = /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/

/** The calls that succeeded, in the order in which they began. */
export function systemCalls(file: string): SystemCall[] {
  const calls: SystemCall[] = []
  const pending = new Map<string, SystemCall>()
  const lines = existsSync(file) ? readFileSync(file, 'latin1').split('\n') : []
  lines.forEach((line, at) => {
    const [, thread = '', resumed, name = resumed, rest = ''] = LINE.exec(line) ?? []
    const begun = resumed === undefined ? undefined : pending.get(thread)
    const call = begun ?? { name: name ?? '', text: '', began: at, returned: Infinity }
    call.text += rest
    if (!begun && name !== undefined) calls.push(call)
    if (rest.endsWith('<unfinished ...>')) pending.set(thread, call)
    else call.returned = at
  })
  return calls.filter(({ text }) => !/\) += -1 /.test(text.slice(-200)))
}
