import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scratchParameters } from '../../../../src/provider/finetune/api/scratchParameters.ts'
import { loadModels } from '../../../../src/provider/finetune/models.ts'
import { findRamFolder } from '../../../../src/provider/finetune/ramFolder.ts'
import { jobEnvironment } from '../../../../src/provider/finetune/trainer/jobEnvironment.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-folders-'))
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('the folder of plaintext', () => {
  it.runIf(process.platform === 'linux')('lies in memory, and a disk is refused', () => {
    expect(findRamFolder().freeBytes).toBeGreaterThan(0)
    for (const path of ['/proc', '/dev/null/at/all'])
      expect(() => findRamFolder(path)).toThrow(expect.objectContaining({ code: 'no_memory_folder' }))
  })
})

describe('base models', () => {
  it('are named by what is in them, and share their tokenizer but not their weights', async () => {
    const [demo] = await loadModels([{ name: 'demo', path: 'models/demo' }], false)
    const [again] = await loadModels([{ name: 'other name', path: 'models/demo' }], true)
    expect(again!.hash).toBe(demo!.hash)
    expect(demo!.document.files?.map(({ name }) => name)).toEqual([
      'tokenizer.json',
      'tokenizer_config.json',
      'config.json',
      'generation_config.json',
    ])
    expect(demo!.document.methods).toEqual(['lora', 'full'])
    expect(again!.document.methods).toContain('qlora')
  })

  it('of the network keep its hash and its coefficient', async () => {
    const [qwen] = await loadModels([{ name: 'Qwen3-32B', path: 'models/demo' }], false)
    expect(qwen).toMatchObject({ coefficient: 8, storageFee: 90_000_000_000_000_000n })
    expect(qwen!.hash).toMatch(/^0x2e6f9620/)
  })

  it('that cannot be trained are refused', async () => {
    await expect(loadModels([{ name: 'none', path: dir }], false)).rejects.toMatchObject({
      code: 'base_model_invalid',
    })
    writeFileSync(join(dir, 'model.safetensors'), '')
    await expect(loadModels([{ name: 'none', path: dir }], false)).rejects.toMatchObject({
      code: 'base_model_invalid',
    })
  })
})

describe('the environment of a job', () => {
  it('has no secret of the broker, and writes into the job’s folder alone', () => {
    const environment = {
      PATH: '/bin',
      ZG_PRIVATE_KEY: '0x1',
      AWS_SECRET_ACCESS_KEY: 'x',
      HOME: '/root',
      LANG: 'C',
    }
    const own = jobEnvironment(environment, '/work', '/trainer', [1])
    expect(Object.values(own).join(' ')).not.toMatch(/0x1|\/root/)
    expect(Object.keys(own)).not.toContain('ZG_PRIVATE_KEY')
    expect(own).toMatchObject({
      PATH: '/bin',
      LANG: 'C',
      HOME: '/work',
      HF_HUB_OFFLINE: '1',
      CUDA_VISIBLE_DEVICES: '1',
    })
  })
})

describe('a model from scratch', () => {
  it('is about as large as its configuration says', () => {
    const config = { model_type: 'llama', hidden_size: 128, num_hidden_layers: 6, intermediate_size: 384 }
    expect(scratchParameters({ config, vocabulary: 1024 })).toBe(
      2 * 1024 * 128 + 6 * (4 * 128 ** 2 + 3 * 128 * 384),
    )
    for (const change of [
      { hidden_size: undefined },
      { num_hidden_layers: undefined },
      { num_hidden_layers: 1e6 },
    ])
      expect(scratchParameters({ config: { ...config, ...change }, vocabulary: 300 })).toBeNull()
  })
})
