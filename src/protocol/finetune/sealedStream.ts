import { AppError } from '../../base/errors.ts'
import { type Block, blocksOf } from './blocks.ts'

/**
 * A stream under a key that is used for it alone: AES-256-GCM over 1 MiB of plaintext each, tag after each.
 * The nonce is the block's number in 11 bytes and a byte that is 1 for the last, so blocks can neither be
 * moved nor dropped nor the end cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár).
 */
export const SEALED_BLOCK_BYTES = 1024 * 1024
const TAG_BYTES = 16

/** Length of the sealed stream for so many bytes. */
export const sealedStreamBytes = (bytes: number): number =>
  bytes + Math.max(1, Math.ceil(bytes / SEALED_BLOCK_BYTES)) * TAG_BYTES

/** Seals a stream. @param key 32 random bytes that seal nothing else */
export async function* sealStream(
  key: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const secret = await aesKey(key)
  let index = 0
  for await (const { bytes, last } of blocksOf(source, SEALED_BLOCK_BYTES)) {
    const params = { name: 'AES-GCM', iv: blockNonce(index++, last) }
    yield new Uint8Array(await crypto.subtle.encrypt(params, secret, bytes))
  }
}

/**
 * Opens a stream that `sealStream` made. What it yields is authentic; that it was all is known at its end.
 * @throws AppError `sealed_stream_damaged` when it was changed, cut off, or sealed under another key
 */
export async function* openStream(
  key: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const secret = await aesKey(key)
  let index = 0
  for await (const block of blocksOf(source, SEALED_BLOCK_BYTES + TAG_BYTES))
    yield await openBlock(secret, index++, block)
}

async function openBlock(secret: CryptoKey, index: number, { bytes, last }: Block): Promise<Uint8Array> {
  try {
    const params = { name: 'AES-GCM', iv: blockNonce(index, last) }
    return new Uint8Array(await crypto.subtle.decrypt(params, secret, bytes))
  } catch (cause) {
    throw new AppError({
      code: 'sealed_stream_damaged',
      message: `Block ${index + 1} of the sealed file does not open`,
      hint: last
        ? 'The file ends too early, or was changed after it was sealed. Send it again.'
        : 'The file was changed after it was sealed, or sealed under another key. Send it again.',
      status: 400,
      cause,
    })
  }
}

function blockNonce(index: number, last: boolean): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(3, BigInt(index))
  nonce[11] = last ? 1 : 0
  return nonce
}

function aesKey(key: Uint8Array): Promise<CryptoKey> {
  if (key.length !== 32) throw new RangeError('an AES-256 key has 32 bytes')
  return crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-GCM', false, ['encrypt', 'decrypt'])
}
