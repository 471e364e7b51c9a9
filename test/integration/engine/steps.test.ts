import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { generate } from '../../../src/provider/engine/embedded/child/generate.ts'
import { loadModel } from '../../../src/provider/engine/embedded/child/loadModel.ts'
import { textTokens } from '../../../src/provider/engine/embedded/child/prompt.ts'
import { readSampling } from '../../../src/provider/engine/embedded/child/sampling.ts'
import { MODEL_PATH } from './fixtures/engines.ts'

it('gives a newcomer its turn while seven others keep the queue full', async () => {
  const loaded = await loadModel({
    type: 'load',
    bearer: '',
    modelPath: MODEL_PATH,
    modelId: 'demo',
    contextSize: undefined,
    parallel: 8,
    queueLimit: 0,
    threads: 1,
    gpu: false,
  })
  const ending = new AbortController()
  let finished = 0
  const run = async (max_tokens: number, signal: AbortSignal): Promise<void> => {
    const prompt = textTokens(loaded, 'What is a receipt?')
    const sampling = readSampling({ max_tokens, ignore_eos: true })
    await loaded.sequences.use(signal, async (sequence) => {
      const pieces = generate(loaded, sequence, { prompt, sampling, grammar: undefined, signal })
      while ((await pieces.next()).done !== true);
    })
    finished++
  }
  const long = Array.from({ length: 7 }, () => run(1_000, ending.signal).catch(() => undefined))
  await delay(50)
  for (let turn = 1; turn <= 3; turn++) {
    await run(1, AbortSignal.timeout(60_000))
    expect(finished).toBe(turn)
  }
  ending.abort()
  await Promise.all(long)
  await loaded.llama.dispose()
})
