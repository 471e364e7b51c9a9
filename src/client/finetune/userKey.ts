import type { Signer } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { hexToBytes } from '../../base/hex.ts'
import { taskReadDigest, taskReadHeader } from '../../protocol/finetune/signatures.ts'
import { addressOf, type PrivateKey, personalBytesDigest, signDigest } from '../../protocol/signature.ts'

/**
 * The user's own key. A model's key is encrypted to it, so a wallet that signs but does not show its key, like one
 * in a browser, cannot fine-tune: the deployed network has the same limit.
 */
export class UserKey {
  readonly address: Address
  readonly #key: PrivateKey

  /** @throws AppError `raw_key_needed` */
  constructor(signer: Signer) {
    const { privateKey } = signer as { privateKey?: unknown }
    if (typeof privateKey !== 'string') throw rawKeyNeeded()
    this.#key = hexToBytes(privateKey)
    this.address = addressOf(this.#key)
  }

  /** Signs a digest as it is: EIP-712 digests, and the tags of a sealed dataset. */
  sign(digest: Hex): Hex {
    return signDigest(this.#key, digest)
  }

  /** EIP-191 over 32 bytes: what every request about a task carries. */
  signPersonal(digest: Hex): Hex {
    return signDigest(this.#key, personalBytesDigest(digest))
  }

  /** Header for reading a task's log and events. */
  readHeader(id: string, nowSeconds: number): string {
    return taskReadHeader(nowSeconds, this.signPersonal(taskReadDigest(id, nowSeconds)))
  }

  /** Opens what was encrypted to the user. @throws AppError `key_not_for_this_wallet` */
  async open(sealed: Uint8Array): Promise<Uint8Array> {
    const { eciesDecrypt } = await import('../../protocol/finetune/ecies.ts')
    return eciesDecrypt(this.#key, sealed)
  }
}

const rawKeyNeeded = (): AppError =>
  new AppError({
    code: 'raw_key_needed',
    message: 'Fine-tuning needs a wallet whose key is on this machine',
    hint: 'The model comes encrypted to that key, and a wallet that only signs cannot decrypt it',
    next: '0g-compute wallet new',
    exitCode: EXIT.unsupported,
  })
