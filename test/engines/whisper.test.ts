import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { ONE_0G } from '../../src/base/units.ts'
import type { Compute } from '../../src/client/compute.ts'
import type { Broker } from '../../src/provider/broker.ts'
import { startSpawnedEngine } from '../../src/provider/engine/spawned/startSpawnedEngine.ts'
import type { SupervisedEngine } from '../../src/provider/engine/supervisedEngine.ts'
import { approval, clientOf } from '../integration/client/clientOf.ts'
import { silence } from '../support/recording.ts'
import { startWorld, type World } from '../support/world.ts'

const PYTHON = resolve(process.env.ZG_TRAINER_PYTHON ?? '.venv/bin/python')
const SECOND = ONE_0G / 1000n

let folder: string
let engine: SupervisedEngine
let world: World
let broker: Broker
let compute: Compute

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), '0g-whisper-'))
  const model = join(folder, 'murmur')
  execFileSync(PYTHON, [join(import.meta.dirname, 'whisper.py'), model], { stdio: 'ignore' })
  engine = await startSpawnedEngine(
    'transformers',
    { model, program: join(dirname(PYTHON), 'transformers') },
    silentLogger,
  )
  world = await startWorld()
  const models = { murmur: { input: 0n, output: 0n, second: SECOND } }
  broker = await world.startBroker(engine, { prices: { input: 1n, output: 1n, models } })
  compute = await clientOf(world, world.user)
})

afterAll(async () => {
  await compute?.close()
  await world?.stop()
  await engine?.stop()
  rmSync(folder, { recursive: true, force: true })
})

it('a Whisper of random weights in `transformers serve` hears, by the second that the client counts', async () => {
  expect(engine.models).toMatchObject([{ id: 'murmur', kinds: ['transcription'] }])
  const { hooks } = approval()
  const heard = await compute.transcribe({ recording: silence(3) }, hooks)
  expect(heard).toMatchObject({ seconds: 3, fee: 3n * SECOND, provider: broker.provider })
  expect(heard.verdict.outcome).toBe('accepted')
  expect(heard.text).toMatch(/^[a-z ]+$/)
  const openai = new OpenAI(await compute.openai())
  const file = await toFile(silence(3), 'a.wav')
  const { text } = await openai.audio.transcriptions.create({ model: 'murmur', file })
  expect(text).toBe(heard.text)
})
