import { bytesToHex } from '../../base/hex.ts'
import type { ResponseOpener, SealTarget } from '../../protocol/e2ee/index.ts'
import type { Runtime } from '../runtime.ts'

/** A body of JSON, and its bytes. */
export interface SealableBody {
  readonly json: Readonly<Record<string, unknown>>
  readonly bytes: Uint8Array
}

/** A body as it goes out sealed. */
export interface SealedBody {
  readonly bytes: Uint8Array
  /** What stands for it in the text proof. */
  readonly hash: string
  /** Opens an answer from its first frame. */
  opener(): ResponseOpener
}

/** Retries find their envelope among so many. */
const MAX_KEPT = 64

interface Kept {
  readonly bodyHash: string
  readonly sealed: Promise<SealedBody>
}

/**
 * Seals bodies. Each sealing is different, and a broker joins a retry to the running answer only where the bytes are the
 * same: what goes out under an idempotency key is kept for as long as this process lives.
 */
export class Seals {
  readonly #runtime: Runtime
  readonly #kept = new Map<string, Kept>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Loads what sealing needs while something else is waited for. */
  warm(): void {
    void load().catch(() => {
      // Said when something is sealed.
    })
  }

  seal(body: SealableBody, target: SealTarget, idempotencyKey: string | undefined): Promise<SealedBody> {
    if (idempotencyKey === undefined) return seal(body, target)
    const key = `${bytesToHex(target.publicKey)} ${idempotencyKey}`
    const bodyHash = this.#hashOf(body.bytes)
    const kept = this.#kept.get(key)
    if (kept?.bodyHash === bodyHash) return kept.sealed
    const sealed = seal(body, target)
    sealed.catch(() => this.#kept.delete(key))
    this.#kept.delete(key)
    this.#kept.set(key, { bodyHash, sealed })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(oldest!)
    return sealed
  }

  #hashOf(bytes: Uint8Array): string {
    const hash = this.#runtime.sha256()
    hash.update(bytes)
    return hash.digest()
  }
}

/** Loaded by who seals: commands that send nothing start without it. */
const load = () => import('../../protocol/e2ee/index.ts')

async function seal({ json }: SealableBody, target: SealTarget): Promise<SealedBody> {
  const { envelopeHash, sealRequest } = await load()
  const { envelope, opener } = await sealRequest(json, target)
  return { bytes: new TextEncoder().encode(JSON.stringify(envelope)), hash: envelopeHash(envelope), opener }
}
