import { mkdtempDisposable, open, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 ** 2
export const temporary = () => mkdtempDisposable(join(tmpdir(), 'snapgate-'))

export async function sameBytes(a: string, b: string): Promise<boolean> {
  await using left = await open(a)
  await using right = await open(b)
  const [leftPiece, rightPiece] = [Buffer.alloc(4 * MIB), Buffer.alloc(4 * MIB)]
  const read = async (file: FileHandle, into: Buffer, at: number) =>
    (await file.read(into, 0, into.length, at)).bytesRead
  for (let at = 0; ; at += leftPiece.length) {
    const [length, other] = [await read(left, leftPiece, at), await read(right, rightPiece, at)]
    if (length !== other || !leftPiece.subarray(0, length).equals(rightPiece.subarray(0, length)))
      return false
    if (length < leftPiece.length) return true
  }
}

export const REGISTER = `mutation ($path: String!) {
  registerDisk(input: { path: $path, name: "big", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
}`
export const CREATE = `mutation ($diskId: ID!) {
  createSnapshot(input: { diskId: $diskId, name: "first" }) {
    ... on CreateSnapshotPayload { snapshot { id status disk { status } transitions { to } } }
  }
}`
export const WATCH = `subscription ($id: ID!) { snapshotStatus(id: $id) { from to } }`
export const PROGRESS = `subscription ($id: ID!) { snapshotProgress(id: $id) { percent } }`
