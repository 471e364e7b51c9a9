import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrivateKey } from 'eciesjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { receiverKey } from '../../../src/client/dataset/receiverKey.ts'
import { uploadDataset } from '../../../src/client/dataset/uploadDataset.ts'
import { openFile } from '../../../src/protocol/finetune/sealedFile.ts'
import { filePieces } from '../../../src/storage/filePieces.ts'
import { rootOfFile } from '../../../src/storage/merkle/rootOf.ts'
import { localStore } from '../../../src/storage/stores/localStore.ts'

let folder: string
let path: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'upload-'))
  path = join(folder, 'data.jsonl')
  writeFileSync(path, '{"text":"canary"}\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

it('a dataset goes away sealed, and its receiver alone reads it', async () => {
  const receiver = new PrivateKey()
  const store = localStore(join(folder, 'store'))
  const uploaded = await uploadDataset({ path, receiver: receiver.publicKey.toBytes(), put: store.put })
  const sealed = join(folder, 'fetched')
  await store.fetch(uploaded.root as `0x${string}`, sealed)
  expect(uploaded).toEqual({
    root: await rootOfFile(sealed),
    examples: 1,
    bytes: readFileSync(sealed).length,
  })
  expect(readFileSync(sealed).includes('canary')).toBe(false)
  let opened = ''
  for await (const bytes of openFile(receiver.secret, filePieces(sealed)))
    opened += Buffer.from(bytes).toString()
  expect(opened).toBe(readFileSync(path, 'utf8'))
})

it('a public one goes away as it is', async () => {
  const { root } = await uploadDataset({ path, receiver: null, put: localStore(join(folder, 'public')).put })
  expect(root).toBe(await rootOfFile(path))
})

it('is sealed for a key that the provider’s terms name; brokers of the deployed network have none', () => {
  const provider = `0x${'ab'.repeat(20)}` as const
  const key = new PrivateKey().publicKey.toHex(false)
  expect(receiverKey(provider, { datasetKey: key })).toHaveLength(65)
  expect(() => receiverKey(provider, null)).toThrow(expect.objectContaining({ code: 'no_dataset_key' }))
})
