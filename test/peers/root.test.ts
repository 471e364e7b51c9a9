import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rootOfFile } from '../../src/storage/merkle/rootOf.ts'
import { ZgRoot } from '../../src/storage/merkle/zgRoot.ts'
import { deployedRoot, deployedStorage } from '../support/deployedStorage.ts'
import { patternBytes, ROOT_SIZES } from '../support/rootSizes.ts'
import vectors from '../unit/storage/root.vectors.json' with { type: 'json' }

const sdk = deployedStorage()

describe.skipIf(!sdk)('0G roots beside @0gfoundation/0g-ts-sdk', () => {
  const bytes = patternBytes(70 * 1024 * 1024)
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'root-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(ROOT_SIZES)('are the same at %i bytes', async (size) => {
    const root = await deployedRoot(new sdk!.MemData(bytes.subarray(0, size)))
    expect(new ZgRoot().update(bytes.subarray(0, size)).digest()).toBe(root)
    expect(vectors).toContainEqual({ size, root })
  })

  it('are the same of a large file, whose size is no power of two', async () => {
    const path = join(folder, 'large')
    writeFileSync(path, bytes.subarray(0, -12_345))
    const file = await sdk!.ZgFile.fromFilePath(path)
    expect(await rootOfFile(path)).toBe(await deployedRoot(file))
    await file.close()
  })

  it('of nothing do not exist there either', async () => {
    expect(await deployedRoot(new sdk!.MemData(new Uint8Array()))).toBeNull()
  })
})
