import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUILT_IN_NETWORKS } from '../../../src/chain/networks.ts'
import { fileCache } from '../../../src/client/recall/fileCache.ts'
import { Remembered } from '../../../src/client/routing/remembered.ts'

const [mainnet, testnet] = [BUILT_IN_NETWORKS[0]!, BUILT_IN_NETWORKS[1]!]
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-cache-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const files = () =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('the cache on disk', () => {
  it('keeps bigints, for its owner alone', () => {
    fileCache(dir, mainnet).write('prices', { input: 5n, list: [7n], text: '9' })
    expect(fileCache(dir, mainnet).read('prices')).toEqual({ input: 5n, list: [7n], text: '9' })
    expect(files().map((path) => statSync(path).mode & 0o777)).toEqual([0o600])
    expect(statSync(join(files()[0]!, '..')).mode & 0o777).toBe(0o700)
  })

  it('is of one network alone, and forgets', () => {
    const cache = fileCache(dir, mainnet)
    cache.write('prices', { input: 5n })
    expect(fileCache(dir, testnet).read('prices')).toBeNull()
    expect(fileCache(dir, { ...mainnet, rpcUrls: ['http://127.0.0.1:1'] }).read('prices')).toBeNull()
    cache.forget('prices')
    expect(cache.read('prices')).toBeNull()
  })

  it('takes a file that cannot be read for none, and a folder that cannot be written too', () => {
    const cache = fileCache(dir, mainnet)
    cache.write('prices', { input: 5n })
    const [path] = files()
    writeFileSync(path!, readFileSync(path!, 'utf8').slice(0, -3))
    expect(cache.read('prices')).toBeNull()
    const nowhere = fileCache(path!, mainnet)
    nowhere.write('prices', { input: 5n })
    expect(nowhere.read('prices')).toBeNull()
  })
})

describe('what an earlier process read', () => {
  const remembered = (now: number) => {
    const hold = { holdMs: 100, keptMs: 1000, cache: fileCache(dir, mainnet), name: 'list' }
    return new Remembered<{ readonly n: number }>(hold, () => now)
  }
  const read = (n: number) => async () => ({ n })

  it('holds for its time, and longer than what this one read', async () => {
    const first = remembered(5000)
    expect(await first.get('', read(1))).toEqual({ n: 1 })
    expect(first.forgetKept()).toBe(false)
    expect(await remembered(5999).get('', read(2))).toEqual({ n: 1 })
    expect(await remembered(6000).get('', read(3))).toEqual({ n: 3 })
    // A clock that was put back does not make it last.
    expect(await remembered(10).get('', read(4))).toEqual({ n: 4 })
  })

  it('is forgotten when it turns out to be wrong', async () => {
    await remembered(5000).get('a', read(1))
    const second = remembered(5001)
    expect(await second.get('a', read(2))).toEqual({ n: 1 })
    expect(second.forgetKept()).toBe(true)
    expect(await second.get('a', read(2))).toEqual({ n: 2 })
    expect(await remembered(5002).get('a', read(3))).toEqual({ n: 2 })
  })
})
