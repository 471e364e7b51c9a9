import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256 } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesToHex } from '../../../src/base/hex.ts'
import { FREE_MEMORY, startKeccak } from '../../../src/storage/merkle/keccakModule.ts'
import { rootOf, rootOfFile } from '../../../src/storage/merkle/rootOf.ts'
import { ZgRoot } from '../../../src/storage/merkle/zgRoot.ts'
import { patternBytes, ROOT_SIZES } from '../../support/rootSizes.ts'
import vectors from './root.vectors.json' with { type: 'json' }

const bytes = patternBytes(40 * 1024 * 1024 + 777)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'root-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('0G root', () => {
  it('has a vector, printed by @0gfoundation/0g-ts-sdk 1.2.8, for every size', () => {
    expect(vectors.map(({ size }) => size)).toEqual(ROOT_SIZES)
  })

  it.each(vectors)('of $size bytes is the SDK’s', ({ size, root }) => {
    expect(new ZgRoot().update(bytes.subarray(0, size)).digest()).toBe(root)
  })

  it('does not depend on the pieces that the bytes come in', async () => {
    const { size, root } = vectors.at(-1)!
    for (const length of [1000, 262_143, 3_000_000]) {
      const pieces = async function* () {
        for (let from = 0; from < size; from += length)
          yield bytes.subarray(from, Math.min(size, from + length))
      }
      expect(await rootOf(pieces())).toBe(root)
    }
  })

  it('of a file is the same in one thread and in several', async () => {
    const path = join(folder, 'file')
    for (const size of [1_000_000, 40 * 1024 * 1024, bytes.length]) {
      writeFileSync(path, bytes.subarray(0, size))
      expect(await rootOfFile(path)).toBe(new ZgRoot().update(bytes.subarray(0, size)).digest())
    }
  })

  it('of nothing does not exist', async () => {
    const path = join(folder, 'empty')
    writeFileSync(path, '')
    await expect(rootOfFile(path)).rejects.toMatchObject({ code: 'file_empty' })
    expect(() => new ZgRoot().digest()).toThrow('The file is empty')
  })
})

describe('keccak-256 in WebAssembly', () => {
  it.each([
    ['leaves', 256],
    ['nodes', 64],
  ] as const)('hashes %s of %i bytes as ethers does, for odd and even numbers of them', (name, length) => {
    const keccak = startKeccak(1)
    const memory = new Uint8Array(keccak.memory.buffer)
    const to = FREE_MEMORY + 5 * 256
    for (const count of [1, 2, 3, 4, 5]) {
      memory.set(bytes.subarray(count, count + count * length), FREE_MEMORY)
      memory.fill(0xaa, to)
      keccak[name](FREE_MEMORY, count, to)
      for (let i = 0; i < count; i++) {
        const message = bytes.subarray(count + i * length, count + (i + 1) * length)
        expect(`0x${bytesToHex(memory.subarray(to + 32 * i, to + 32 * (i + 1)))}`).toBe(keccak256(message))
      }
      expect(memory.subarray(to + 32 * count).every((byte) => byte === 0xaa)).toBe(true)
    }
  })
})
