import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { specText } from '../../../../src/protocol/finetune/spec.ts'
import { DatasetDesk } from '../../../../src/provider/finetune/datasets.ts'
import { KeyRing } from '../../../../src/provider/finetune/keys.ts'
import { DatasetStore } from '../../../../src/provider/finetune/store/datasetStore.ts'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import { Vault } from '../../../../src/provider/finetune/vault.ts'
import { unpackDataset } from '../../../../src/provider/finetune/worker/workFolder.ts'
import type { Workshop } from '../../../../src/provider/finetune/workshop.ts'
import { RowSeal } from '../../../../src/provider/ledger/seal.ts'
import { ZgRoot } from '../../../../src/storage/merkle/zgRoot.ts'
import { type FineTuningDatabase, openFineTuningDatabase } from '../../../support/fineTuningDatabase.ts'

const USER = `0x${'Ab'.repeat(20)}` as const
const KEY = new Uint8Array(32).fill(1)
const LESSONS = Buffer.alloc(200_000, '{"text":"hello"}\n')
const ROOT = new ZgRoot().update(LESSONS).digest()
const EXPECTED = { root: ROOT, sealedKey: null, sha256: null }

let dir: string
let database: FineTuningDatabase
let vault: Vault
let desk: DatasetDesk
let now = 1000

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'zg-datasets-'))
  database = openFineTuningDatabase(dir)
  const identity = { chainId: 31337, contract: USER, provider: USER }
  vault = new Vault(join(dir, 'vault'))
  await vault.prepare()
  desk = new DatasetDesk({
    store: new DatasetStore(database, new RowSeal(KEY, identity)),
    keys: new KeyRing({ signerKey: KEY }),
    ...{ vault, node: 'node', datasetKey: KEY, maxBytes: LESSONS.length + 10, now: () => now },
  })
})

afterEach(async () => {
  await database.destroy()
  rmSync(dir, { recursive: true, force: true })
})

const arrive = (bytes: Uint8Array = LESSONS) =>
  desk.receive(
    (async function* () {
      yield bytes
    })(),
  )
const incoming = () => readdirSync(join(dir, 'vault', 'incoming'))

describe('a dataset', () => {
  it('that is sent several times at once is one, and can be read', async () => {
    const arrived = await Promise.all(Array.from({ length: 8 }, () => arrive()))
    const read = arrived.map(async ({ keep }, index) => {
      await keep(USER)
      await desk.openInto(join(dir, `plain${index}`), USER, EXPECTED)
      return readFileSync(join(dir, `plain${index}`))
    })
    for (const plain of await Promise.all(read)) expect(plain).toEqual(LESSONS)
    expect(incoming()).toEqual([])
  })

  it('is there or not, when it is sent while it is removed', async () => {
    for (let turn = 0; turn < 10; turn++) {
      await (await arrive()).keep(USER)
      const again = await arrive()
      await Promise.all([desk.remove(USER, ROOT), again.keep(USER)])
      await desk.openInto(join(dir, 'plain'), USER, EXPECTED)
    }
  })

  it('that was sent again since stays, for a task that is about to be ordered', async () => {
    await (await arrive()).keep(USER)
    now = 2000
    await (await arrive()).keep(USER)
    await desk.remove(USER, ROOT, 1500)
    expect(await desk.has(USER, ROOT)).toBe(true)
    await desk.remove(USER, ROOT, 2500)
    expect([await desk.has(USER, ROOT), existsSync(vault.datasetPath(USER, ROOT))]).toEqual([false, false])
  })

  it('appears in memory when it is whole: what was cut off is not trained on', async () => {
    await (await arrive()).keep(USER)
    truncateSync(vault.datasetPath(USER, ROOT), 100_000)
    await expect(desk.openInto(join(dir, 'plain'), USER, EXPECTED)).rejects.toThrow()
    expect(existsSync(join(dir, 'plain'))).toBe(false)
  })

  it('that is fetched and finds no room leaves nothing', async () => {
    for (let index = 1; index <= 4; index++)
      await (await arrive(Buffer.concat([LESSONS, Buffer.from([index])]))).keep(USER)
    const spec = specText({
      ...{ v: 1, salt: '0'.repeat(32), method: 'lora', model: ROOT, parameters: '{}' },
      ...{ seed: 1, tokens: 1, gguf: false },
      dataset: {
        root: ROOT,
        place: 'local',
        format: 'jsonl',
        bytes: 1,
        sha256: '0'.repeat(64),
        sealedKey: null,
      },
    })
    const shop = {
      datasets: desk,
      workDir: dir,
      stores: { local: { fetch: async (_root: string, target: string) => writeFileSync(target, LESSONS) } },
    } as unknown as Workshop
    const task = { id: 'a', user: USER, request: { datasetHash: ROOT, spec } }
    await expect(unpackDataset(shop, task as unknown as Task)).rejects.toMatchObject({
      code: 'datasets_too_many',
    })
    expect(incoming()).toEqual([])
  })
})
