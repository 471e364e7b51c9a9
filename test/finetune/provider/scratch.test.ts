import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scratchTokens } from '../../../src/protocol/finetune/fee.ts'
import { NO_MODEL } from '../../../src/protocol/finetune/task.ts'
import { tokenOf } from '../../support/world.ts'
import { datasetOf, hasTrainer, PRICE_PER_TOKEN, type TaskClient, TEST_LIMITS } from './taskClient.ts'
import { startTuner, type Tuner } from './tuner.ts'

/** About a million parameters. */
const CONFIG = {
  model_type: 'llama',
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 256,
}
const RETENTION_SECONDS = 40

let tuner: Tuner
let client: TaskClient

beforeAll(async () => {
  if (!hasTrainer) return
  tuner = await startTuner({ limits: { ...TEST_LIMITS, retentionSeconds: RETENTION_SECONDS } })
  client = tuner.client
}, 120_000)

afterAll(() => tuner?.stop())

describe.skipIf(!hasTrainer)('a model from scratch', () => {
  it('is trained from a configuration, paid by the bytes, served, and destroyed when its time is over', async () => {
    const dataset = datasetOf(40)
    const { id, order } = await client.create({
      dataset,
      parameters: { num_train_epochs: 10, learning_rate: 0.003, per_device_train_batch_size: 8 },
      spec: {
        method: 'scratch',
        model: NO_MODEL,
        scratch: { config: CONFIG, vocabulary: 300 },
        chatTemplate: 'chatml',
      },
    })
    const delivered = await client.until(id, ['Delivered'], 240_000)
    expect(delivered.failure).toBeUndefined()
    expect(delivered).toMatchObject({ model: null, method: 'scratch', artifact: { kind: 'model' } })
    const tokens = scratchTokens(Buffer.byteLength(dataset))
    expect(BigInt(delivered.fee)).toBe(BigInt(tokens) * 10n * PRICE_PER_TOKEN)
    await client.transact('acceptTask', order)
    await client.until(id, ['Finished'])

    await tuner.world.fund(tuner.world.user)
    const token = await tokenOf(tuner.world.user, tuner.world.provider.address)
    const call = (path: string, body?: object) =>
      fetch(`${tuner.broker.url}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    const model = `ft-scratch-${id.slice(0, 12)}`
    expect((await call('/v1/lora/adapters/deploy', { taskId: id })).status).toBe(200)
    const state = async () => (await (await call(`/v1/lora/adapters/${model}`)).json()).state
    await expect.poll(state, { timeout: 180_000 }).toBe('active')
    const messages = [{ role: 'user', content: 'What is the metal of number 7?' }]
    const answer = await call('/v1/proxy/chat/completions', {
      model,
      messages,
      max_tokens: 16,
      temperature: 0,
    })
    const { choices, usage } = await answer.json()
    expect(choices[0].message.content).toContain('copper')
    expect(usage.completion_tokens).toBeGreaterThan(0)

    // Served, it stays beyond its time; removed, it goes.
    expect((await call('/v1/lora/adapters/remove', { adapterName: model })).status).toBe(200)
    const files = join(tuner.world.dir, 'broker', 'finetune', 'tasks')
    await expect.poll(() => readdirSync(files), { timeout: 180_000, interval: 500 }).toEqual([])
    expect((await client.download(id)).status).toBe(410)
    expect(existsSync(join(files, id))).toBe(false)
  }, 900_000)
})
