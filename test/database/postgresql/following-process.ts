/** A process that keeps a replica until it is killed: `node following-process.ts <url> <path>`. It says `READY` when it follows. */
import process from 'node:process'
import { pino } from 'pino'
import { openReplica } from '../../../src/database/postgresql/replica/replica.ts'

const [, , url = '', path = ''] = process.argv
await openReplica({ url, path, log: pino({ level: 'silent' }) })
process.stdout.write('READY\n')
