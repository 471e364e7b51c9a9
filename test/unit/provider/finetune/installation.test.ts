import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fineTuningOf } from '../../../../src/cli/provider/fineTuning.ts'
import { installTrainer, trainerPython } from '../../../../src/provider/finetune/trainer/installTrainer.ts'
import { openLocalTrainer } from '../../../../src/provider/finetune/trainer/localTrainer.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-install-'))
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true, force: true })
})

const context = (kind = 'devnet') => ({
  paths: { config: dir, state: dir, devnet: dir },
  network: { kind, name: 'devnet', rpcUrls: ['http://127.0.0.1:1'] } as never,
})

describe('the trainer', () => {
  it('is not there before it is installed', () => {
    expect(trainerPython(dir)).toBeNull()
    expect(fineTuningOf({}, context())).toBeUndefined()
    expect(() => fineTuningOf({ finetune: { enabled: true } }, context())).toThrow(
      expect.objectContaining({ code: 'trainer_not_installed' }),
    )
    const finetune = { enabled: true, python: 'python3', trainer: 'ray' } as const
    expect(() => fineTuningOf({ finetune }, context())).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it.each([
    [
      'devnet',
      / Then: 0g-compute devnet up --finetune$/,
      '0g-compute provider serve --tee simulated --finetune',
    ],
    ['mainnet', /\(some GB\)$/, '0g-compute provider serve --tee dstack --finetune'],
  ])('is asked for as it works on a %s', (kind, hint, next) => {
    const finetune = { enabled: true }
    expect(() => fineTuningOf({ finetune }, context(kind))).toThrow(
      expect.objectContaining({ code: 'trainer_not_installed', hint: expect.stringMatching(hint) }),
    )
    expect(() => fineTuningOf({ finetune, tee: { kind: 'none' } }, context(kind))).toThrow(
      expect.objectContaining({ code: 'finetune_needs_tee', next }),
    )
  })

  it('is read from a configuration, in neuron and seconds', () => {
    const finetune = {
      enabled: true,
      python: 'python3',
      price: '2',
      retention: 1,
      windows: { train: 10 },
      models: { own: { path: './own', storageFee: '0.5' } },
    }
    expect(fineTuningOf({ finetune }, context())).toMatchObject({
      prices: { perToken: 2n * 10n ** 12n },
      limits: { retentionSeconds: 3600, minimumWindows: { train: 10, acknowledge: 3600 } },
      models: [{ name: 'own', path: './own', storageFee: 5n * 10n ** 17n }],
      trainer: { kind: 'local' },
    })
  })

  it('cannot be installed without Python, nor where its packages cannot be had', async () => {
    vi.stubEnv('PATH', dir)
    await expect(installTrainer(join(dir, 'venv'), () => {})).rejects.toMatchObject({
      code: 'python_missing',
    })
    vi.unstubAllEnvs()
    vi.stubEnv('PIP_NO_INDEX', '1')
    vi.stubEnv('PIP_CONFIG_FILE', '/dev/null')
    const steps: string[] = []
    const installed = installTrainer(join(dir, 'venv'), (title) => steps.push(title))
    await expect(installed).rejects.toMatchObject({
      code: expect.stringMatching(/^(trainer_install_failed|python_missing)$/),
    })
    expect(trainerPython(join(dir, 'venv'))).toBeNull()
  }, 120_000)

  it('does not run with a Python that has no packages', async () => {
    const opened = openLocalTrainer({ python: '/usr/bin/env', hide: [], readable: [] })
    await expect(opened).rejects.toMatchObject({ code: 'trainer_missing' })
  })
})
