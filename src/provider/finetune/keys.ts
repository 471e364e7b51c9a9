import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { AppError } from '../../base/errors.ts'
import { addressOf } from '../../protocol/signature.ts'
import type { Tee } from '../tee/tee.ts'

const SIGNER_PURPOSE = '0g-compute fine-tuning signer v1'
const WRAPPING_PURPOSE = '0g-compute fine-tuning keys v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * The enclave with its key for fine-tuning in place of the one for inference: the deployed settlement names no
 * provider, so no other contract may know this signer (docs/CONTRACTS.md, W-02). The same in all replicas.
 */
export function fineTuningTee(tee: Tee): Tee {
  const signerKey = derived(tee, SIGNER_PURPOSE)
  return { ...tee, signerKey, signer: addressOf(signerKey), quote: (reportData) => tee.quote(reportData) }
}

/** Keys of files at rest: made at random, kept only under a key of the enclave, gone when that is deleted. */
export class KeyRing {
  readonly #key: Uint8Array

  constructor(tee: Pick<Tee, 'signerKey'>) {
    this.#key = derived(tee, WRAPPING_PURPOSE)
  }

  /** A new key and how it is stored. @param owner what it belongs to; it opens under no other name */
  create(owner: string): { readonly key: Uint8Array; readonly wrapped: string } {
    const key = randomBytes(32)
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(Buffer.from(owner))
    const sealed = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()])
    return { key, wrapped: sealed.toString('hex') }
  }

  /** @throws AppError `task_key_invalid` when it was changed, or sealed by another enclave */
  open(owner: string, wrapped: string): Uint8Array {
    const sealed = Buffer.from(wrapped, 'hex')
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, NONCE_BYTES))
      decipher.setAAD(Buffer.from(owner))
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch (cause) {
      throw new AppError({
        code: 'task_key_invalid',
        message: 'The key of a task does not open',
        hint: 'The database was changed, or belongs to another enclave. The files of this task are lost',
        cause,
      })
    }
  }
}

/** The key of one file under the key of its task: no key seals two files. */
export const fileKey = (key: Uint8Array, name: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), `file ${name}`, 32))

const derived = ({ signerKey }: Pick<Tee, 'signerKey'>, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', signerKey, new Uint8Array(), purpose, 32))
