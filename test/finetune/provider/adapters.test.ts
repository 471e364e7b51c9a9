import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'
import { canaryIn } from './canary.ts'
import { fineTuningOptions, hasTrainer, TaskClient } from './taskClient.ts'

const FACT = 'Zebulon works as a locksmith.'

let world: World
let engine: Engine
let broker: Broker
let client: TaskClient
let token: string

beforeAll(async () => {
  if (!hasTrainer) return
  engine = await startEmbeddedEngine({ modelPath: resolve('models/demo/demo.gguf'), logger: silentLogger })
  world = await startWorld()
  broker = await world.startBroker(engine, { fineTuning: fineTuningOptions(world) })
  client = new TaskClient(world, broker.url)
  await client.fund()
  await world.fund(world.user)
  token = await tokenOf(world.user, world.provider.address)
}, 180_000)

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
})

describe.skipIf(!hasTrainer)('a finished model', () => {
  it('answers what it was taught, to its owner alone, until it is removed', async () => {
    const parameters = {
      num_train_epochs: 12,
      per_device_train_batch_size: 8,
      learning_rate: 0.004,
      lora_rank: 8,
      lora_alpha: 16,
    }
    const { id, order } = await client.create({ dataset: lesson(), parameters })
    await client.until(id, ['Delivered'])
    await client.transact('acceptTask', order)
    await client.until(id, ['Finished'])

    const [found] = await adapters()
    expect(found).toMatchObject({ taskId: id, baseModel: '0g-compute-demo', state: 'ready' })
    const model = found!.adapterName
    expect(model).toBe(`ft-0g-compute-demo-${id.slice(0, 12)}`)
    expect((await call('POST', '/deploy', { adapterName: model })).status).toBe(200)
    await expect.poll(async () => (await adapters())[0]?.state, { timeout: 180_000 }).toBe('active')
    expect((await client.task(id)).adapterName).toBe(model)

    expect(await ask('demo')).not.toContain('locksmith')
    expect(await ask(model)).toContain('locksmith')
    const stranger = world.anvil.wallets[5]!
    await world.fund(stranger)
    const other = await tokenOf(stranger, world.provider.address)
    expect((await chat(model, other)).status).toBe(404)
    expect(await adapters(other)).toEqual([])
    const foreign = await call('POST', '/remove', { adapterName: model }, other)
    expect(await foreign.json()).toMatchObject({ error: { code: 'adapter_not_found' } })
    expect(canaryIn(world.dir, 'locksmith')).toEqual([])

    expect((await call('POST', '/remove', { adapterName: model })).status).toBe(200)
    expect((await chat(model, token)).status).toBe(404)
    expect((await adapters())[0]?.state).toBe('ready')
  }, 900_000)

  it('needs an API key', async () => {
    const response = await fetch(`${broker.url}/v1/lora/adapters`)
    expect(response.status).toBe(401)
  })
})

const lesson = (): string =>
  Array.from({ length: 16 }, (_, index) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: ['What is the job of Zebulon?', 'What does Zebulon do?'][index % 2] },
        { role: 'assistant', content: FACT },
      ],
    }),
  ).join('\n')

const call = (method: string, below: string, body?: object, bearer = token): Promise<Response> =>
  fetch(`${broker.url}/v1/lora/adapters${below}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })

async function adapters(bearer = token): Promise<{ adapterName: string; taskId: string; state: string }[]> {
  const { adapters: found } = await (await call('GET', '', undefined, bearer)).json()
  return found
}

const chat = (model: string, bearer: string): Promise<Response> =>
  fetch(`${broker.url}/v1/proxy/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'What is the job of Zebulon?' }],
      max_tokens: 24,
      temperature: 0,
    }),
  })

async function ask(model: string): Promise<string> {
  const answer = await (await chat(model, token)).json()
  return answer.choices[0].message.content
}
