import { describe } from 'vitest'
import { CLOUD_NAMES, startCloudGateway, type CloudName } from '../support/cloud-gateway.ts'
import { cloudContract, type CloudPeer } from './contract.ts'

/** How often the gateway looks, at most, and how much time passes in between, until an assertion holds. */
const LOOKS = 10
const PASSES_MS = 10_000

async function fakePeer(name: CloudName): Promise<CloudPeer> {
  const gateway = await startCloudGateway(name)
  const { app, cloud, connectionId, words } = gateway
  const known = (id: string) => {
    const snapshot = cloud.visible(id)
    if (!snapshot) throw new Error(`The cloud has no snapshot ${id}.`)
    return snapshot
  }
  return {
    app,
    connectionId,
    disk: (called) => Promise.resolve(gateway.disk({ name: called }).id),
    attach(diskId) {
      const disk = cloud.disks.get(diskId)
      Object.assign(disk ?? {}, { status: words.inUse, instanceId: 'i-1' })
      cloud.faults.createsFailLater = true
      return Promise.resolve()
    },
    failure: name === 'cinder' ? /the driver reported an error/ : /CreatedFailed/,
    snapshot: (diskId, called) => Promise.resolve(gateway.outside(diskId, { name: called }).id),
    rename: (id, called) => Promise.resolve(void (known(id).name = called)),
    delete: (id) => Promise.resolve(void (known(id).deleted = true)),
    snapshotsOf: (diskId) =>
      Promise.resolve(cloud.snapshotsOf(diskId).map(({ id, name: called }) => ({ id, name: called }))),
    setFull: (isFull) => Promise.resolve(void (cloud.snapshotLimit = isFull ? 0 : 256)),
    loseNextAnswer: () => void (cloud.faults.nextWriteLost = 'CUT'),
    goDown: () => Promise.resolve(void (cloud.faults.everything = { status: 503, body: '' })),
    comeBack: () => Promise.resolve(void (cloud.faults.everything = undefined)),
    later: (ms) => cloud.advance(ms),
    async until(fact) {
      for (let look = 0; look < LOOKS; look++) {
        try {
          await fact()
          return
        } catch {
          await gateway.poll(PASSES_MS)
        }
      }
      return fact()
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

describe.each(CLOUD_NAMES)('%s', (name) => cloudContract(() => fakePeer(name)))
