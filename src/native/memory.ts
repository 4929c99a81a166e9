import { find, view } from './c-library.ts'

const MREMAP_MAYMOVE = 1

const mremap = find('uintptr_t mremap(uintptr_t address, size_t length, size_t newLength, int flags)')
const munmap = find('int munmap(uintptr_t address, size_t length)')
const MAP_FAILED = 2n ** 64n - 1n

export interface Mapping {
  memory: ArrayBuffer
  /** After this, any access to the memory ends the process. */
  unmap: () => void
}

/**
 * Memory that is shared at an address of this process, mapped a second time: it stays when the first mapping goes. No
 * file is opened for it, because closing one drops all locks that the process has on the file (fcntl(2), record locks).
 * Undefined where that is not possible.
 */
export function mapAgain(address: bigint, bytes: number): Mapping | undefined {
  const mapped = BigInt(mremap?.(address, 0, bytes, MREMAP_MAYMOVE) ?? MAP_FAILED)
  if (mapped === MAP_FAILED) return undefined
  const memory = view(mapped, bytes)
  return memory && { memory, unmap: () => void munmap?.(mapped, bytes) }
}
