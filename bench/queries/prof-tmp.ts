import { mkdtempSync, mkdirSync } from 'node:fs'
import { writeWorld } from '/work/wt-fast/bench/queries/world.ts'
import { openDatabase } from '/work/wt-fast/src/database/database.ts'
import { createReads } from '/work/wt-fast/src/reads/reads.ts'
import { projectionOf } from '/work/wt-fast/src/graphql/projection.ts'
import { schema } from '/work/wt-fast/src/graphql/schema.ts'
import { DOCUMENTS, ACCOUNT } from '/work/wt-fast/bench/queries/operations.ts'
import { statements, iso, GIB } from '/work/wt-fast/bench/queries/servers/raw.ts'
import { parse } from 'graphql'
const dir = mkdtempSync('/tmp/prof-')
await writeWorld(dir+'/w.db', '/tmp', 50)
const db = await openDatabase({ url: 'file:'+dir+'/w.db' })
const reads = createReads(db, { accountId: ACCOUNT })
const raw = statements(dir+'/w.db')
const shown = ({ id, name, status, sizeBytes, createdAt }: any) => ({ id, name, status, sizeGiB: sizeBytes / GIB, createdAt: iso(createdAt) })
const rawList = () => JSON.stringify({ data: { disks: { nodes: raw.disks(20).map(({id,name,status}: any) => ({id,name,status,snapshots:{nodes: raw.ofDisk(id,10).map(shown)}})) } } })
const which = process.argv[2] ?? 'list'
const project = projectionOf(schema, parse((DOCUMENTS as any)[which]), undefined)!
const gateway = { transitions: { cursor: String }, quota: {MANUAL:1,AUTOMATIC:1}, progress: {get(){}} }
const ours = () => db.reader.atOnce(() => project({ contextValue: { gateway, viewer: {accountId: ACCOUNT}, reads, fleeting(){} }, variableValues: {id:'v-bench0001'} }))
if (which === 'list') console.log(`{"data":${ours()}}` === rawList())
const N = which === 'list' ? 300 : 5000
const t = process.cpuUsage
for (let k = 0; k < 6; k++) {
  let a = t(); if (which==='list') for (let i = 0; i < N; i++) rawList(); let b = t(a)
  a = t(); for (let i = 0; i < N; i++) ours(); let c = t(a)
  console.log('raw', ((b.user+b.system)/N).toFixed(0), 'ours', ((c.user+c.system)/N).toFixed(0), 'rss', (process.memoryUsage.rss()/1048576).toFixed(0))
}
process.exit(0)
