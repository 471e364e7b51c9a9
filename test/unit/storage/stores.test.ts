import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZgRoot } from '../../../src/storage/merkle/zgRoot.ts'
import { localStore } from '../../../src/storage/stores/localStore.ts'
import { indexerOf, zgStore } from '../../../src/storage/stores/zgStore.ts'

let folder: string
const at = (name: string) => join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'))
  writeFileSync(at('file'), 'content')
})
afterEach(() => rmSync(folder, { recursive: true }))

const ROOT = new ZgRoot().update(Buffer.from('content')).digest()

describe('the local store', () => {
  it('keeps files by their root, the same one once', async () => {
    const store = localStore(at('store'))
    expect(await store.put(at('file'))).toBe(ROOT)
    expect(await store.put(at('file'))).toBe(ROOT)
    expect(readdirSync(at('store'))).toEqual([ROOT])
    await store.fetch(ROOT, at('back'))
    expect(readFileSync(at('back'), 'utf8')).toBe('content')
  })

  it('does not deliver a file that was changed', async () => {
    const store = localStore(at('store'))
    await store.put(at('file'))
    writeFileSync(join(at('store'), ROOT), 'another')
    await expect(store.fetch(ROOT, at('back'))).rejects.toMatchObject({ code: 'stored_file_differs' })
    expect(readdirSync(folder).sort()).toEqual(['file', 'store'])
  })

  it('knows what it does not have, and looks nowhere else', async () => {
    const store = localStore(at('store'))
    for (const root of [ROOT, '0x../../file', '0x'] as const)
      await expect(store.fetch(root, at('back'))).rejects.toMatchObject({ code: 'stored_file_missing' })
  })

  it('keeps no empty file', async () => {
    writeFileSync(at('file'), '')
    await expect(localStore(at('store')).put(at('file'))).rejects.toMatchObject({ code: 'file_empty' })
    expect(readdirSync(at('store'))).toEqual([])
  })
})

/** In the SDK's place: what is asked first is answered first. */
const TALKATIVE_SDK = `
let last = Promise.resolve()
exports.Indexer = class {
  download(root, path) {
    console.log('Downloading', root)
    last = last.then(() => require('node:fs').writeFileSync(path, 'content'))
    return last.then(() => null)
  }
}
exports.ZgFile = {}
`

describe('0G Storage', () => {
  it('has an indexer on the public networks, and none that is guessed elsewhere', () => {
    expect(indexerOf('mainnet')).toMatch(/^https:/)
    expect(() => indexerOf('devnet')).toThrow(expect.objectContaining({ code: 'no_storage_here' }))
  })

  it('says what to install where its SDK is missing', () => {
    const options = { indexer: 'http://127.0.0.1:1', rpc: 'http://127.0.0.1:1', from: at('index.js') }
    expect(() => zgStore(options)).toThrow(
      expect.objectContaining({
        code: 'storage_sdk_missing',
        next: expect.stringContaining('npm install @0gfoundation/0g-ts-sdk'),
      }),
    )
  })

  it('silences its SDK while it is asked, and nothing for longer', async () => {
    const sdk = at('node_modules/@0gfoundation/0g-ts-sdk')
    mkdirSync(sdk, { recursive: true })
    writeFileSync(join(sdk, 'index.js'), TALKATIVE_SDK)
    const store = zgStore({ indexer: 'http://127.0.0.1:1', rpc: 'http://127.0.0.1:1', from: at('index.js') })
    const { log } = console
    const said: string[] = []
    console.log = (text: string) => said.push(text)
    try {
      await Promise.all([store.fetch(ROOT, at('back')), store.fetch(ROOT, at('back-2'))])
      console.log('ours')
    } finally {
      console.log = log
    }
    expect(said).toEqual(['ours'])
  })
})
