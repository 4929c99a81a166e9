import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** A secret as it is stored, and the key that opens it. */
export interface Sealed {
  sealed: string
  sealKey: string
}

/** Whose secret it is: one that is moved to another row does not open there. */
interface Owner {
  id: string
  accountId: string
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Encrypts secrets with AES-256-GCM. The first key seals; every key opens what it has sealed. */
export class Sealing {
  readonly #keys: ReadonlyMap<string, Buffer>

  /** `keys` are 32 bytes each, in base64; with none, nothing can be sealed. */
  constructor(keys: readonly string[]) {
    const bytes = keys.map((key) => Buffer.from(key, 'base64'))
    this.#keys = new Map(bytes.map((key) => [idOf(key), key]))
  }

  /** The key that seals; undefined when there is none. */
  get current(): string | undefined {
    const [id] = this.#keys.keys()
    return id
  }

  /** Undefined when there is no key. */
  seal(secret: string, owner: Owner): Sealed | undefined {
    const [first] = this.#keys
    if (!first) return undefined
    const [sealKey, key] = first
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(dataOf(owner))
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
    return { sealKey, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64') }
  }

  /** Undefined when no key of the gateway opens it. */
  open({ sealed, sealKey }: Sealed, owner: Owner): string | undefined {
    const key = this.#keys.get(sealKey)
    if (!key) return undefined
    const bytes = Buffer.from(sealed, 'base64')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(dataOf(owner))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    } catch {
      return undefined
    }
  }
}

/** Tells keys apart, and says nothing of them. */
const idOf = (key: Buffer): string => createHash('sha256').update(key).digest('hex').slice(0, 16)

const dataOf = ({ id, accountId }: Owner): Buffer => Buffer.from(`connection ${id} of ${accountId}`)
