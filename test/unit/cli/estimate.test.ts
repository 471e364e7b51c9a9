import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { describeEstimate, estimate } from '../../../src/cli/provider/estimate.ts'
import { checkModels } from '../../../src/cli/provider/machine.ts'
import { marketPrices } from '../../../src/cli/provider/market.ts'
import { visibleGpus } from '../../../src/provider/gpus.ts'
import { standInForGpus } from '../../support/gpus/standIn.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as Address
const sells = (provider: string, model: string, inputPrice: bigint, outputPrice = inputPrice * 4n) => ({
  ...{ provider: address(provider), serviceType: 'chatbot', model, inputPrice, outputPrice },
})

describe('prices of the market', () => {
  it('are the median of the others with the same model, whoever publishes it', () => {
    const services = [
      sells('1', 'Qwen/Qwen2.5-7B-Instruct', 30n),
      sells('2', 'qwen2.5-7b-instruct', 10n),
      sells('3', 'someone/Qwen2.5-7B-Instruct', 20n),
      sells('9', 'Qwen2.5-7B-Instruct', 1000n),
      { ...sells('4', 'Qwen2.5-7B-Instruct', 1n), serviceType: 'text-to-image' },
      sells('5', 'Llama-3.1-8B', 7n),
    ]
    const found = marketPrices(services, address('9'), 'Qwen2.5-7B-Instruct')
    expect(found).toEqual({ basis: 'same', services: 3, input: 20n, output: 80n })
    expect(marketPrices(services.slice(0, 2), null, 'Qwen2.5-7B-Instruct')).toMatchObject({ input: 20n })
  })

  it('are those of models of about its size where nobody else has it, and none where there are none', () => {
    const services = [
      sells('1', 'Llama-3.1-8B', 8n),
      sells('2', 'gpt-oss-20b', 50n),
      sells('3', 'mystery', 1n),
    ]
    const found = marketPrices(services, null, 'Qwen2.5-7B-Instruct')
    expect(found).toEqual({ basis: 'comparable', services: 1, input: 8n, output: 32n })
    expect(marketPrices(services, null, 'Qwen2.5-0.5B-Instruct')).toBeNull()
    expect(marketPrices(services, null, 'demo')).toBeNull()
  })
})

describe('an estimate', () => {
  const measured = { model: 'demo', tokensPerSecond: 100.04, promptTokensPerSecond: 300, atOnce: 4 }
  const own = { input: 5n * 10n ** 10n, output: 2n * 10n ** 11n }

  it('is tokens of a day by price, for a whole day and a share of it', () => {
    const market = { basis: 'same' as const, services: 3, input: 10n ** 10n, output: 10n ** 11n }
    const result = estimate(measured, { market, own }, 20)
    expect(result.market!.answers).toEqual({
      ...{ tokensPerSecond: 100, tokens: 8_640_000n, price: 10n ** 11n, earned: 864n * 10n ** 15n },
    })
    expect(result.market!.perDay).toBe((864n + 2592n / 10n) * 10n ** 15n + 2n * 10n ** 14n)
    expect(result.market!.perDayUsed).toBe(result.market!.perDay / 5n)
    expect(describeEstimate(result, 'devnet')).toEqual([
      'A day, with demo as fast as it was with 4 requests at once:',
      '  at the median of 3 other services of the same model on devnet',
      '    prompts 300.0 tokens/s x 86,400 s = 25,920,000 tokens, x 0.01 0G a million = 0.2592 0G',
      '    answers 100.0 tokens/s x 86,400 s = 8,640,000 tokens, x 0.1 0G a million = 0.864 0G',
      '    100 % sold: 1.1232 0G a day',
      '     20 % sold: 0.2246 0G a day',
      '  at your own prices',
      '    prompts 300.0 tokens/s x 86,400 s = 25,920,000 tokens, x 0.05 0G a million = 1.296 0G',
      '    answers 100.0 tokens/s x 86,400 s = 8,640,000 tokens, x 0.2 0G a million = 1.728 0G',
      '    100 % sold: 3.024 0G a day',
      '     20 % sold: 0.6048 0G a day',
      'Demand decides how much of a day is sold. Power, gas and the stake are not counted.',
    ])
  })

  it('says so where there is nothing to compare with', () => {
    const lines = describeEstimate(estimate(measured, { market: null, own: null }, 20), 'devnet')
    expect(lines[1]).toContain('nobody else on devnet sells this model, or one of its size')
    expect(lines[2]).toContain('your prices in 0G are not known now')
  })
})

describe('whether a model fits', () => {
  const dir = mkdtempSync(join(tmpdir(), 'zg-fits-'))
  afterAll(() => {
    vi.unstubAllEnvs()
    rmSync(dir, { recursive: true })
  })
  const gpu = (memoryMiB: number) => ({ name: 'Stand-in for a GPU', memoryMiB })
  const check = async (engine: object, gpus: ReturnType<typeof gpu>[] = []) =>
    (await checkModels({ engine }, gpus))[0]

  /** Files that take no room on the disk. */
  const modelOf = (gibibytes: number): string => {
    const path = join(dir, `${gibibytes}.gguf`)
    writeFileSync(path, 'GGUF')
    truncateSync(path, gibibytes * 2 ** 30)
    return path
  }

  it('is said of memory and of GPUs, by its files', async () => {
    expect(await check({})).toMatchObject({ state: 'pass', text: expect.stringContaining('the machine has') })
    const large = { kind: 'llama-server', model: modelOf(8000) }
    expect(await check(large)).toMatchObject({ state: 'fail', text: expect.stringMatching(/9600 GiB/) })
    const small = { kind: 'llama-server', model: modelOf(1 / 128) }
    expect(await check(small, [gpu(1)])).toMatchObject({
      state: 'warn',
      text: expect.stringContaining('a part of it is computed on the CPU'),
    })
    expect(await checkModels({ engine: { kind: 'url', target: 'http://127.0.0.1:1' } }, [])).toEqual([])
  })

  it('of vllm is a matter of GPUs, and which of them share it is said', async () => {
    vi.stubEnv('PATH', `${standInForGpus(dir, [24_576, 24_576])}:${process.env.PATH}`)
    vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined)
    const vllm = { kind: 'vllm', model: resolve('models/demo') }
    expect(await check(vllm)).toMatchObject({ state: 'warn', text: expect.stringContaining('made for GPUs') })
    expect(await check(vllm, [gpu(24_576), gpu(24_576)])).toMatchObject({
      state: 'pass',
      text: expect.stringContaining('48.0 GiB: 2 of them share it'),
    })
    expect(await check({ ...vllm, model: modelOf(90) }, [gpu(24_576)])).toMatchObject({ state: 'fail' })
    expect(await check({ ...vllm, ray: true })).toMatchObject({
      text: expect.stringContaining('Ray cluster'),
    })
  })

  it('counts only the GPUs that this process may see', () => {
    const [first, second] = [gpu(1), gpu(2)]
    expect(visibleGpus([first, second], undefined)).toEqual([first, second])
    expect(visibleGpus([first, second], '1, 0')).toEqual([second, first])
    expect(visibleGpus([first, second], '-1')).toEqual([])
    expect(visibleGpus([first, second], 'GPU-5f2a')).toEqual([first])
  })
})
