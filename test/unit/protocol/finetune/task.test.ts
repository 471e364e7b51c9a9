import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../src/base/errors.ts'
import { adapterName } from '../../../../src/protocol/finetune/adapterName.ts'
import { scratchTokens, taskFee } from '../../../../src/protocol/finetune/fee.ts'
import {
  checkParameters,
  epochsOf,
  NETWORK_PARAMETERS,
  parameterProblems,
  parametersText,
  parseParameters,
  type TrainingParameters,
} from '../../../../src/protocol/finetune/parameters.ts'
import { parseSpec, specHash, specText, type TaskSpec } from '../../../../src/protocol/finetune/spec.ts'
import { NO_MODEL } from '../../../../src/protocol/finetune/task.ts'
import { termsIn } from '../../../../src/protocol/finetune/terms.ts'

const NETWORK: TrainingParameters = {
  neftune_noise_alpha: 5,
  num_train_epochs: 3,
  per_device_train_batch_size: 4,
  learning_rate: 0.0002,
  max_steps: -1,
}
const codes = (given: TrainingParameters, profile: 'network' | 'wide') =>
  parameterProblems(given, profile).map(({ code, name }) => `${code} ${name}`)

describe('parameters', () => {
  it('takes exactly the five of the deployed network, in its ranges', () => {
    expect(NETWORK_PARAMETERS).toEqual(Object.keys(NETWORK))
    expect(codes(NETWORK, 'network')).toEqual([])
    const edges: TrainingParameters[] = [
      { learning_rate: 1e-5, num_train_epochs: 10, neftune_noise_alpha: 10 },
      { learning_rate: 1e-3, num_train_epochs: 1, neftune_noise_alpha: 0, max_steps: 1 },
    ]
    for (const edge of edges) expect(codes({ ...NETWORK, ...edge }, 'network')).toEqual([])
    const outside: TrainingParameters = {
      learning_rate: 0.002,
      num_train_epochs: 11,
      per_device_train_batch_size: 5,
      neftune_noise_alpha: 10.5,
      max_steps: 0,
    }
    for (const [name, value] of Object.entries(outside)) {
      expect(codes({ ...NETWORK, [name]: value }, 'network')).toEqual([`parameter_out_of_range ${name}`])
    }
    const { max_steps, ...four } = NETWORK
    expect(codes({ ...four, lora_rank: 8 }, 'network')).toEqual([
      'parameter_unknown lora_rank',
      'parameter_missing max_steps',
    ])
  })

  it('takes all of the trainer, each optional', () => {
    expect(codes({}, 'wide')).toEqual([])
    expect(codes({ learning_rate: 0.1, num_train_epochs: 1000, sequence_length: 16 }, 'wide')).toEqual([])
    expect(codes({ sequence_length: 15, learning_rate: 0.11 }, 'wide')).toEqual([
      'parameter_out_of_range sequence_length',
      'parameter_out_of_range learning_rate',
    ])
    expect(
      codes({ num_train_epochs: 1.5, packing: 1, too_long: 'cut', lora_targets: 'q,,k', x: 1 }, 'wide'),
    ).toEqual([
      'parameter_invalid num_train_epochs',
      'parameter_invalid packing',
      'parameter_invalid too_long',
      'parameter_invalid lora_targets',
      'parameter_unknown x',
    ])
  })

  it('names every problem in one error', () => {
    const failing = () => checkParameters({ learning_rate: 5, packing: 'no' }, 'wide')
    expect(failing).toThrow(AppError)
    expect(failing).toThrow(/learning_rate must be from 1e-7 to 0.1, not 5; packing must be true or false/)
  })

  it('writes decimal notation, and reads back what it wrote', () => {
    const values = { a: 1e-7, b: 0.00002, c: 1.5e-9, d: 3, e: 1e21, f: true, g: 'x"y' }
    const text = parametersText(values)
    expect(text).toBe(
      '{"a":0.0000001,"b":0.00002,"c":0.0000000015,"d":3,"e":1000000000000000000000,"f":true,"g":"x\\"y"}',
    )
    expect(parseParameters(text)).toEqual(values)
    for (const bad of ['', '[]', 'null', '{"a":{}}', '{"a":null}']) {
      expect(() => parseParameters(bad)).toThrow(/JSON object/)
    }
  })
})

describe('fee', () => {
  it('is tokens, epochs, price and coefficient, and the storage', () => {
    const basis = { tokens: 1000, epochs: 3, pricePerToken: 7n, coefficient: 8, storageFee: 9n }
    expect(taskFee(basis)).toBe(168_009n)
    expect(epochsOf({})).toBe(1)
    expect(epochsOf(NETWORK)).toBe(3)
    expect(scratchTokens(9)).toBe(3)
  })
})

describe('specification', () => {
  const spec: TaskSpec = {
    v: 1,
    salt: '0123456789abcdef0123456789abcdef',
    method: 'lora',
    model: `0x${'1'.repeat(64)}`,
    dataset: {
      root: `0x${'2'.repeat(64)}`,
      place: 'upload',
      format: 'jsonl',
      bytes: 10,
      sha256: '3'.repeat(64),
      sealedKey: 'abcd',
    },
    parameters: '{"num_train_epochs":3}',
    seed: 7,
    tokens: 100,
    gguf: true,
  }

  it('is read back from its text alone, in canonical form', () => {
    const text = specText(spec)
    expect(parseSpec(text)).toEqual(spec)
    expect(specHash(text)).toMatch(/^0x[0-9a-f]{64}$/)
    expect(parseSpec(` ${text}`)).toBeNull()
    expect(parseSpec(JSON.stringify(spec, null, 1))).toBeNull()
  })

  it('is refused when a field is wrong', () => {
    const wrong = [
      { v: 2 },
      { salt: 'short' },
      { method: 'magic' },
      { method: 'scratch' },
      { scratch: { config: {}, vocabulary: 10 } },
      { model: '0x12' },
      { seed: -1 },
      { tokens: 1.5 },
      { dataset: { ...spec.dataset, sealedKey: 'xyz' } },
      { dataset: { ...spec.dataset, columns: { output: 1 } } },
      { gguf: 1 },
    ]
    for (const change of wrong) expect(parseSpec(specText({ ...spec, ...change } as TaskSpec))).toBeNull()
    const scratch = { method: 'scratch', model: NO_MODEL, scratch: { config: {}, vocabulary: 512 } } as const
    expect(parseSpec(specText({ ...spec, ...scratch }))).not.toBeNull()
  })
})

describe('names and terms', () => {
  it('names adapters as the deployed network does', () => {
    const id = 'beb6f0d8-4660-4c62-988d-00246ce913d2'
    expect(adapterName('Qwen/Qwen2.5-0.5B-Instruct', id)).toBe('ft-Qwen-Qwen2-5-0-5B-Instruct-beb6f0d8-466')
    expect(adapterName('/a model/', id)).toBe('ft-a-model-beb6f0d8-466')
  })

  it('reads terms that are whole, and no others', () => {
    const terms = {
      v: 1,
      datasetKey: `04${'a'.repeat(128)}`,
      methods: ['lora'],
      profile: 'wide',
      places: ['upload'],
      limits: { datasetBytes: 1, tokens: 1, trainSeconds: 1, queue: 1, scratchParameters: 0 },
      windows: {
        train: { minimum: 0, usual: 1 },
        acknowledge: { minimum: 0, usual: 1, maximum: 2 },
        reveal: { minimum: 0, usual: 1 },
      },
      retentionSeconds: 1,
      serves: true,
    }
    expect(termsIn({ finetune: terms })).toEqual(terms)
    for (const none of [null, {}, { finetune: null }, { finetune: { ...terms, datasetKey: '04' } }]) {
      expect(termsIn(none)).toBeNull()
    }
    expect(termsIn({ finetune: { ...terms, windows: {} } })).toBeNull()
  })
})
