import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { extraFolder } from '../../scripts/extras.ts'
import { zgStore } from '../../src/storage/stores/zgStore.ts'
import { deployedStorage } from '../support/deployedStorage.ts'

describe.skipIf(!deployedStorage())('0G Storage through its SDK', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zg-'))
    writeFileSync(join(folder, 'file'), 'content')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is unreachable in words, and says nothing on stdout', async () => {
    const log = vi.spyOn(console, 'log')
    const store = zgStore({
      indexer: 'http://127.0.0.1:1',
      rpc: 'http://127.0.0.1:1',
      signer: Wallet.createRandom(),
      from: join(extraFolder('storage'), 'index.js'),
    })
    const unreachable = { code: 'storage_unreachable', retryable: true }
    await expect(store.put(join(folder, 'file'))).rejects.toMatchObject(unreachable)
    await expect(store.fetch(`0x${'ab'.repeat(32)}`, join(folder, 'back'))).rejects.toMatchObject(unreachable)
    expect(log).not.toHaveBeenCalled()
  })
})
