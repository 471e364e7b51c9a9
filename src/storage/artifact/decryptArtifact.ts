import { createDecipheriv } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import {
  ARTIFACT,
  type ArtifactChunk,
  artifactChunks,
  artifactSigner,
  chunkNonce,
} from '../../protocol/finetune/artifact.ts'
import { writeOnce } from './writeOnce.ts'

export interface DecryptArtifactOptions {
  /** Path of the sealed file. */
  readonly source: string
  /** Path of the plaintext; nothing appears there unless every check holds. */
  readonly target: string
  /** 32 bytes, from the delivered `encryptedSecret`. */
  readonly key: Uint8Array
  /** Address of the provider's enclave key, as its service names it on chain. */
  readonly signer: Address
}

/** Bytes that are read and deciphered at once. */
const PIECE = 1024 * 1024

/**
 * Opens a delivered model in constant memory. The signature over all tags is checked before anything is
 * deciphered, each chunk's tag as it passes, and the plaintext gets its name last.
 * @returns length of the plaintext in bytes
 * @throws AppError `artifact_truncated`, `artifact_not_signed`, `artifact_wrong_key`, `artifact_damaged`
 */
export async function decryptArtifact(options: DecryptArtifactOptions): Promise<number> {
  const sealed = await open(options.source, 'r')
  try {
    const chunks = artifactChunks((await sealed.stat()).size)
    if (!chunks) throw truncated()
    const tags = await readTags(sealed, chunks)
    const signature = await read(sealed, 0, ARTIFACT.signatureBytes)
    const signer = artifactSigner(signature, tags)
    if (!signer || !sameAddress(signer, options.signer)) throw notSigned(options.signer)
    return await writePlaintext(sealed, chunks, tags, options)
  } finally {
    await sealed.close()
  }
}

async function writePlaintext(
  sealed: FileHandle,
  chunks: readonly ArtifactChunk[],
  tags: readonly Uint8Array[],
  { target, key }: DecryptArtifactOptions,
): Promise<number> {
  const part = `${target}.part`
  const file = await open(part, 'w', 0o600)
  try {
    const nonce = await read(sealed, ARTIFACT.signatureBytes, ARTIFACT.nonceBytes)
    for (const chunk of chunks) await decipher(sealed, chunk, nonce, tags[chunk.index]!, key, file)
    await file.sync()
    await file.close()
    await rename(part, target)
    return chunks.reduce((total, { bytes }) => total + bytes, 0)
  } catch (error) {
    await file.close()
    await rm(part, { force: true })
    throw error
  }
}

async function decipher(
  sealed: FileHandle,
  chunk: ArtifactChunk,
  nonce: Uint8Array,
  tag: Uint8Array,
  key: Uint8Array,
  file: FileHandle,
): Promise<void> {
  const gcm = createDecipheriv('aes-256-gcm', key, chunkNonce(nonce, chunk.index))
  gcm.setAuthTag(tag)
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, chunk.bytes))
  for (let from = 0; from < chunk.bytes; from += PIECE) {
    const bytes = piece.subarray(0, Math.min(PIECE, chunk.bytes - from))
    await readInto(bytes, sealed, chunk.offset + from)
    await writeOnce(file, gcm.update(bytes))
  }
  try {
    gcm.final()
  } catch {
    throw chunk.index === 0 ? wrongKey() : damaged(chunk.index)
  }
}

async function readTags(sealed: FileHandle, chunks: readonly ArtifactChunk[]): Promise<Uint8Array[]> {
  const tags: Uint8Array[] = []
  for (const { offset, bytes } of chunks) tags.push(await read(sealed, offset + bytes, ARTIFACT.tagBytes))
  return tags
}

/** Exactly so many bytes of a file. */
async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  await readInto(buffer, file, position)
  return buffer
}

async function readInto(buffer: Buffer, file: FileHandle, position: number): Promise<void> {
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) throw truncated()
    filled += bytesRead
  }
}

const AGAIN = '0g-compute finetune download'

const truncated = () =>
  new AppError({
    code: 'artifact_truncated',
    message: 'The delivered file ends too early',
    hint: 'No delivered model has this length: the download was cut off. Fetch the rest and try again.',
    next: AGAIN,
    exitCode: EXIT.rejected,
  })

const notSigned = (signer: Address) =>
  new AppError({
    code: 'artifact_not_signed',
    message: `The delivered file is not signed by the provider’s enclave ${signer}`,
    hint: 'It was changed or cut off on the way, or the provider delivered another file. Nothing was deciphered.',
    next: AGAIN,
    exitCode: EXIT.rejected,
  })

const wrongKey = () =>
  new AppError({
    code: 'artifact_wrong_key',
    message: 'The key does not open the delivered file',
    hint: 'The provider published the key of another task, or the file was changed. Nothing was kept.',
    next: AGAIN,
    exitCode: EXIT.rejected,
  })

const damaged = (chunk: number) =>
  new AppError({
    code: 'artifact_damaged',
    message: `Part ${chunk + 1} of the delivered file was changed after the provider sealed it`,
    hint: 'The parts before it opened, so the key is right. Nothing was kept; download it again.',
    next: AGAIN,
    exitCode: EXIT.rejected,
  })
