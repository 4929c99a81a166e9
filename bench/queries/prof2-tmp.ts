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

import { Prisma } from '../../src/generated/prisma/client.ts'
const N = 400
const ids = Array.from({length:20},(_, i)=>'v-bench'+String(i).padStart(4,'0'))
const q = (id: string) => Prisma.sql`SELECT "id","createdAt","name","status","sizeBytes" FROM "Snapshot" WHERE "accountId" = ${ACCOUNT} AND "diskId" = ${id} ORDER BY "createdAt" DESC, "id" DESC LIMIT ${11}`
const list20 = (f: any) => db.reader.atOnce(() => { for (const id of ids) f(id) })
const tests: Record<string, () => unknown> = {
  raw: rawList,
  rawSqlOnly: () => ids.map((id) => raw.ofDisk(id, 11)),
  sqlAll: () => list20((id: string) => db.reader.all(q(id))),
  sqlBuild: () => list20((id: string) => q(id).sql),
  pages: () => list20((id: string) => reads.snapshots(undefined, id).page({ column: 'createdAt', direction: 'DESC', limit: 11, columns: ['id','name','status','sizeBytes','createdAt'] })),
  ours,
}
const order = Object.keys(tests)
const best: any = {}
for (let k = 0; k < 12; k++) for (const name of order) { const f = tests[name]!; const t0 = process.cpuUsage(), w0 = performance.now(); for (let i = 0; i < N/4; i++) f(); const c = process.cpuUsage(t0); best[name] = [Math.min(best[name]?.[0] ?? 1e9, (c.user+c.system)/(N/4)), Math.min(best[name]?.[1] ?? 1e9, (performance.now()-w0)*1000/(N/4))] }
for (const n of order) console.log(n, 'cpu', best[n][0].toFixed(0), 'wall', best[n][1].toFixed(0))
process.exit(0)
