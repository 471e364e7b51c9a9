import { PrivateKey } from 'eciesjs'
import { describe, expect, it } from 'vitest'
import { isSealed, openFile, sealedFileBytes, sealFile } from '../../../src/protocol/finetune/sealedFile.ts'
import { openStream, SEALED_BLOCK_BYTES, sealStream } from '../../../src/protocol/finetune/sealedStream.ts'

const provider = new PrivateKey()
const streamKey = crypto.getRandomValues(new Uint8Array(32))
const content = new Uint8Array(2 * SEALED_BLOCK_BYTES + 1).map((_, index) => index * 7)

async function* inPieces(bytes: Uint8Array, length = 70_000) {
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length)
}

async function joined(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer())
}

const seal = (bytes: Uint8Array) => joined(sealFile(provider.publicKey.toBytes(), streamKey, inPieces(bytes)))
const open = (bytes: Uint8Array, key = provider, length?: number) =>
  joined(openFile(key.secret, inPieces(bytes, length)))
const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

describe('sealed file', () => {
  it.each([0, 1, 1000, SEALED_BLOCK_BYTES - 1, SEALED_BLOCK_BYTES, SEALED_BLOCK_BYTES + 1, content.length])(
    'of %i bytes comes back, however it is cut into pieces',
    async (length) => {
      const plain = content.subarray(0, length)
      const sealed = await seal(plain)
      expect(sealed).toHaveLength(sealedFileBytes(length))
      expect(isSealed(sealed)).toBe(true)
      for (const piece of [137, 70_001, sealed.length])
        expect(sameBytes(await open(sealed, provider, piece), plain)).toBe(true)
    },
  )

  it('shows nothing of its content', async () => {
    const sealed = await seal(new TextEncoder().encode('canary'.repeat(100)))
    expect(Buffer.from(sealed).includes('canary')).toBe(false)
  })

  it('opens for its receiver alone', async () => {
    await expect(open(await seal(content), new PrivateKey())).rejects.toMatchObject({
      code: 'sealed_for_another_key',
    })
  })

  it('is refused when it is plain, or too short to be sealed', async () => {
    for (const bytes of [content, content.subarray(0, 10), new Uint8Array()])
      await expect(open(bytes)).rejects.toMatchObject({ code: 'not_sealed' })
  })

  it('is refused when a byte was changed, blocks were swapped, or the end is missing, also at a block’s end', async () => {
    const sealed = await seal(content)
    const header = sealedFileBytes(0) - 16
    const block = SEALED_BLOCK_BYTES + 16
    const changed = Uint8Array.from(sealed)
    changed[header + 5]! ^= 1
    const swapped = Uint8Array.from(sealed)
    swapped.set(sealed.subarray(header + block, header + 2 * block), header)
    swapped.set(sealed.subarray(header, header + block), header + block)
    const cut = [header, header + 10, header + block, header + 2 * block, sealed.length - 1]
    const damaged = [changed, swapped, ...cut.map((end) => sealed.subarray(0, end))]
    for (const bytes of damaged)
      await expect(open(bytes)).rejects.toMatchObject({ code: 'sealed_stream_damaged' })
  })

  it('stops reading its source when its reader stops', async () => {
    let stopped = false
    const source = async function* () {
      try {
        yield* inPieces(await seal(content))
      } finally {
        stopped = true
      }
    }
    for await (const _ of openFile(provider.secret, source())) break
    expect(stopped).toBe(true)
  })
})

describe('sealed stream', () => {
  it('opens under its key alone', async () => {
    const sealed = await joined(sealStream(streamKey, inPieces(content)))
    expect(sameBytes(await joined(openStream(streamKey, inPieces(sealed))), content)).toBe(true)
    const other = crypto.getRandomValues(new Uint8Array(32))
    await expect(joined(openStream(other, inPieces(sealed)))).rejects.toMatchObject({
      code: 'sealed_stream_damaged',
    })
  })
})
