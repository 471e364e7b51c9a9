import { dirname, join, resolve } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker } from '../../src/provider/broker.ts'
import { startSpawnedEngine } from '../../src/provider/engine/spawned/startSpawnedEngine.ts'
import type { SupervisedEngine } from '../../src/provider/engine/supervisedEngine.ts'
import { waitUntil } from '../integration/engine/fixtures/engines.ts'
import { startWorld, tokenOf, type World } from '../support/world.ts'

const PROGRAM = join(dirname(process.env.ZG_TRAINER_PYTHON ?? '.venv/bin/python'), 'transformers')
const QUESTION = [{ role: 'user' as const, content: 'What is a receipt?' }]

describe('transformers serve, with the demo model', () => {
  let engine: SupervisedEngine
  let world: World
  let broker: Broker
  beforeAll(async () => {
    const options = { model: resolve('models/demo'), program: resolve(PROGRAM) }
    engine = await startSpawnedEngine('transformers', options, silentLogger)
    world = await startWorld()
    broker = await world.startBroker(engine)
    await world.fund(world.user)
  })
  afterAll(async () => {
    await world?.stop()
    await engine?.stop()
  })

  it('sells answers, whole and streamed, by the tokens that it counts', async () => {
    expect(engine.models).toMatchObject([{ id: 'demo', digest: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    const apiKey = await tokenOf(world.user, broker.provider)
    const openai = new OpenAI({ apiKey, baseURL: `${broker.url}/v1/proxy`, maxRetries: 0 })
    const asked = { model: 'demo', messages: QUESTION, max_tokens: 20, temperature: 0 }
    const whole = await openai.chat.completions.create(asked)
    expect(whole.choices[0]?.message.content).toMatch(/receipt/i)
    let streamed = ''
    let output = 0
    const stream = await openai.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const { choices, usage } of stream) {
      streamed += choices[0]?.delta.content ?? ''
      output = usage?.completion_tokens ?? output
    }
    expect(streamed).toBe(whole.choices[0]?.message.content)
    expect(output).toBe(whole.usage?.completion_tokens)
  })

  it('is brought back after a kill', async () => {
    process.kill(engine.pid, 'SIGKILL')
    await waitUntil(() => engine.state === 'restarting', 30_000)
    await waitUntil(() => engine.state === 'ready', 150_000)
  })
})
