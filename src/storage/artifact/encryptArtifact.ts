import { createCipheriv, randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { AppError } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { ARTIFACT, artifactDigest, artifactSignature, chunkNonce } from '../../protocol/finetune/artifact.ts'
import { pieces } from './pieces.ts'
import { writeOnce } from './writeOnce.ts'

export interface EncryptArtifactOptions {
  /** What is delivered, in pieces of any length: a zip, as clients expect it. */
  readonly plaintext: AsyncIterable<Uint8Array>
  /** Path of the sealed file; it appears there when it is whole. */
  readonly target: string
  /** 32 random bytes, used for this artifact and nothing else. */
  readonly key: Uint8Array
  /** Signs a digest with the enclave's key: 65 bytes, v 27 or 28. */
  readonly sign: (digest: Hex) => Hex | Promise<Hex>
}

/**
 * Seals a model for delivery in the layout of `protocol/finetune/artifact.ts`, in constant memory.
 * @returns length of the sealed file in bytes
 * @throws AppError `artifact_empty` when there is nothing to deliver
 */
export async function encryptArtifact(options: EncryptArtifactOptions): Promise<number> {
  const part = `${options.target}.part`
  const file = await open(part, 'w', 0o600)
  try {
    const nonce = randomBytes(ARTIFACT.nonceBytes)
    await file.write(Buffer.concat([Buffer.alloc(ARTIFACT.signatureBytes), nonce]))
    const tags = await writeChunks(file, nonce, options)
    if (tags.length === 0) throw emptyArtifact()
    // The signature covers every tag but stands before them.
    await file.write(artifactSignature(await options.sign(artifactDigest(tags))), 0, undefined, 0)
    await file.sync()
    const { size } = await file.stat()
    await file.close()
    await rename(part, options.target)
    return size
  } catch (error) {
    await file.close()
    await rm(part, { force: true })
    throw error
  }
}

/** @returns the chunks' tags in order */
async function writeChunks(file: FileHandle, nonce: Buffer, { plaintext, key }: EncryptArtifactOptions) {
  const tags: Buffer[] = []
  let filled = 0
  let cipher = createCipheriv('aes-256-gcm', key, nonce)
  const seal = async () => {
    cipher.final()
    const tag = cipher.getAuthTag()
    await file.write(tag)
    tags.push(tag)
    filled = 0
    cipher = createCipheriv('aes-256-gcm', key, chunkNonce(nonce, tags.length))
  }
  for await (const bytes of pieces(plaintext)) {
    for (let from = 0; from < bytes.length; ) {
      const piece = bytes.subarray(from, from + ARTIFACT.chunkBytes - filled)
      await writeOnce(file, cipher.update(piece))
      from += piece.length
      filled += piece.length
      if (filled === ARTIFACT.chunkBytes) await seal()
    }
  }
  if (filled > 0) await seal()
  return tags
}

const emptyArtifact = () =>
  new AppError({
    code: 'artifact_empty',
    message: 'The training left nothing to deliver',
    hint: 'The trainer ended without a model: see the log of the task.',
  })
