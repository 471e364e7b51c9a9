import { concat, getBytes, keccak256, SigningKey, stripZerosLeft, toUtf8Bytes } from 'ethers'
import { AppError } from '../../../base/errors.ts'
import { type Address, type Hex, sameAddress } from '../../../base/hex.ts'
import { isTimely } from '../../../protocol/finetune/signatures.ts'
import { personalBytesDigest, recoverDigest } from '../../../protocol/signature.ts'

/**
 * Makes sure that the user signed a digest. The deployed client drops the leading zero bytes of what it signs, which
 * happens once in 256 times: that form counts too.
 * @returns the user's public key, 65 bytes
 * @throws AppError `signature_invalid` (401)
 */
export function assertSigned(user: Address, digest: Hex, signature: unknown): Hex {
  if (typeof signature === 'string') {
    for (const signed of new Set([personalBytesDigest(digest), personalDigestOf(stripZerosLeft(digest))])) {
      const signer = recoverDigest(signed, signature)
      if (signer && sameAddress(signer, user)) return SigningKey.recoverPublicKey(signed, signature) as Hex
    }
  }
  throw new AppError({
    code: 'signature_invalid',
    message: 'The request was not signed by the user that it names',
    hint: 'Nothing was done. Sign with the wallet of that address',
    next: '0g-compute wallet show',
    status: 401,
  })
}

/** @throws AppError `signature_expired` (401), `signature_invalid` */
export function assertSignedNow(
  user: Address,
  digestAt: (timestampSeconds: number) => Hex,
  { timestamp, signature }: { readonly timestamp: unknown; readonly signature: unknown },
  nowMs: number,
): void {
  const seconds = Number(timestamp)
  if (!isTimely(seconds, Math.floor(nowMs / 1000))) throw expired()
  assertSigned(user, digestAt(seconds), signature)
}

/** EIP-191 over bytes of any length. */
function personalDigestOf(bytes: string): Hex {
  const raw = getBytes(bytes)
  const head = toUtf8Bytes(`\x19Ethereum Signed Message:\n${raw.length}`)
  return keccak256(concat([head, raw])) as Hex
}

const expired = (): AppError =>
  new AppError({
    code: 'signature_expired',
    message: 'The signature names a time that is over, or still to come',
    hint: 'Signatures are good for five minutes: compare the clocks',
    retryable: true,
    status: 401,
  })
