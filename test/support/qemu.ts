import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import { connectMonitor, NOTHING } from '../../src/providers/local/qmp.ts'
import { works } from './file-systems.ts'

/** Real QEMU processes, with a monitor and a disk that others write to through them. Where QEMU is missing, tests are skipped. */

export type Qemu = 'qemu-storage-daemon' | 'qemu-system-x86_64'

export const hasQemu = (qemu: Qemu): boolean =>
  works(`command -v ${qemu} && command -v qemu-io`) || process.env.CI === 'true'

/** The options by which each of them starts without a machine that runs. */
const WITHOUT_MACHINE: Record<Qemu, string[]> = {
  'qemu-storage-daemon': [],
  'qemu-system-x86_64': ['-machine', 'none', '-nodefaults', '-display', 'none', '-S'],
}

export interface RunningQemu extends AsyncDisposable {
  /** Begins to write through QEMU, as a guest does, what the lines say as commands of `qemu-io`. */
  write: (commands: () => string) => AsyncDisposable
}

/** Starts QEMU with its monitor at `monitor`, and the image as a disk of this format. */
export async function startQemu(
  qemu: Qemu,
  { dir, image, format, monitor }: { dir: string; image: string; format: 'raw' | 'qcow2'; monitor: string },
): Promise<RunningQemu> {
  const nbd = join(dir, 'nbd.sock')
  const dashes = qemu === 'qemu-storage-daemon' ? '--' : '-'
  const running = spawn(
    qemu,
    [
      ...WITHOUT_MACHINE[qemu],
      ...[`${dashes}chardev`, `socket,id=qmp,path=${monitor},server=on,wait=off`],
      ...(qemu === 'qemu-storage-daemon'
        ? ['--monitor', 'chardev=qmp']
        : ['-mon', 'chardev=qmp,mode=control']),
      ...[`${dashes}blockdev`, `driver=file,filename=${image},node-name=file`],
      ...[`${dashes}blockdev`, `driver=${format},file=file,node-name=disk`],
      ...(qemu === 'qemu-storage-daemon'
        ? [
            '--nbd-server',
            `addr.type=unix,addr.path=${nbd}`,
            '--export',
            'type=nbd,id=e,node-name=disk,writable=on',
          ]
        : []),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const gone = once(running, 'exit')
  await vi.waitFor(() => access(monitor), { timeout: 20_000 })
  if (qemu === 'qemu-system-x86_64') await exportDisk(monitor, nbd)
  await vi.waitFor(() => access(nbd), { timeout: 20_000 })
  return {
    write(commands) {
      const writer = spawn('qemu-io', ['-f', 'raw', `nbd+unix:///disk?socket=${nbd}`], {
        stdio: ['pipe', 'ignore', 'inherit'],
      })
      const ended = once(writer, 'exit')
      writer.stdin.on('error', () => undefined)
      const feed = (): void => {
        while (!writer.stdin.destroyed && writer.stdin.write(commands()));
      }
      writer.stdin.on('drain', feed)
      feed()
      return {
        async [Symbol.asyncDispose]() {
          writer.kill('SIGKILL')
          await ended
        },
      }
    },
    async [Symbol.asyncDispose]() {
      running.kill('SIGKILL')
      await gone
    },
  }
}

async function exportDisk(monitor: string, nbd: string): Promise<void> {
  using link = await connectMonitor(monitor)
  await link.execute(NOTHING, 'nbd-server-start', { addr: { type: 'unix', data: { path: nbd } } })
  await link.execute(NOTHING, 'block-export-add', {
    type: 'nbd',
    id: 'e',
    'node-name': 'disk',
    writable: true,
  })
}
