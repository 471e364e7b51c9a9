import { AppError } from '../../base/errors.ts'
import { bytesToHex } from '../../base/hex.ts'
import type { PrivateKey } from '../signature.ts'
import { ECIES_OVERHEAD, eciesDecrypt, eciesEncrypt } from './ecies.ts'
import { openStream, sealedStreamBytes, sealStream } from './sealedStream.ts'

/**
 * A file that only one key opens: a dataset on its way to a provider's attested key.
 * `"0gsealed" ‖ ECIES(stream key) 129 ‖ sealed stream`
 */
export const SEALED_MAGIC = new TextEncoder().encode('0gsealed')
const KEY_BYTES = 32
const HEADER_BYTES = SEALED_MAGIC.length + ECIES_OVERHEAD + KEY_BYTES

/** Length of the sealed file for so many bytes. */
export const sealedFileBytes = (bytes: number): number => HEADER_BYTES + sealedStreamBytes(bytes)

/** Whether a file begins as a sealed one. @param start its first 8 bytes or more */
export const isSealed = (start: Uint8Array): boolean =>
  bytesToHex(start.subarray(0, SEALED_MAGIC.length)) === bytesToHex(SEALED_MAGIC)

/**
 * Seals a file for the holder of a key, in constant memory.
 * @param streamKey 32 random bytes, for this file alone
 * @throws AppError `wrong_public_key`
 */
export async function* sealFile(
  publicKey: Uint8Array,
  streamKey: Uint8Array,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const header = new Uint8Array(HEADER_BYTES)
  header.set(SEALED_MAGIC)
  header.set(await eciesEncrypt(publicKey, streamKey), SEALED_MAGIC.length)
  yield header
  yield* sealStream(streamKey, source)
}

/**
 * Opens a sealed file in constant memory. That it was whole is known when it ends without an error.
 * @throws AppError `not_sealed`, `sealed_for_another_key`, `sealed_stream_damaged`
 */
export async function* openFile(
  key: PrivateKey,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    const start = await takeHeader(iterator)
    if (start.length < HEADER_BYTES || !isSealed(start)) throw notSealed()
    const streamKey = await openKey(key, start.subarray(SEALED_MAGIC.length, HEADER_BYTES))
    yield* openStream(streamKey, following(start.subarray(HEADER_BYTES), iterator))
  } finally {
    await iterator.return?.()
  }
}

/** The first bytes of a stream: at least a header, less only when it ends before. */
async function takeHeader(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start = new Uint8Array()
  while (start.length < HEADER_BYTES) {
    const { done, value } = await iterator.next()
    if (done) break
    const longer = new Uint8Array(start.length + value.length)
    longer.set(start)
    longer.set(value, start.length)
    start = longer
  }
  return start
}

async function* following(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let step = await rest.next(); !step.done; step = await rest.next()) yield step.value
}

async function openKey(key: PrivateKey, sealed: Uint8Array): Promise<Uint8Array> {
  try {
    return await eciesDecrypt(key, sealed)
  } catch (cause) {
    throw new AppError({
      code: 'sealed_for_another_key',
      message: 'The file was sealed for another provider, or for a key that this one no longer has',
      hint: 'Fetch the provider’s key again, seal the file for it and send it once more.',
      status: 400,
      cause,
    })
  }
}

const notSealed = () =>
  new AppError({
    code: 'not_sealed',
    message: 'The file is not sealed',
    hint: 'A sealed file begins with “0gsealed”. This one is plain, or its beginning is missing.',
    status: 400,
  })
