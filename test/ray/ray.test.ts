import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRayTrainer } from '../../src/provider/finetune/trainer/rayTrainer.ts'
import { datasetOf, PYTHON } from '../finetune/provider/taskClient.ts'
import { startTuner, type Tuner } from '../finetune/provider/tuner.ts'
import { type RayHead, startRayHead } from './head.ts'

let head: RayHead
let tuner: Tuner

beforeAll(async () => {
  head = await startRayHead()
  tuner = await startTuner({ trainer: { kind: 'ray', address: head.address } })
})

afterAll(async () => {
  await tuner?.stop()
  await head?.stop()
})

describe('a task on a Ray cluster', () => {
  it('is submitted through the Jobs API, followed, delivered and paid', async () => {
    const { client } = tuner
    const { id, order } = await client.create({ dataset: datasetOf(12), parameters: { max_steps: 3 } })
    const delivered = await client.until(id, ['Delivered'], 240_000)
    expect(delivered.failure).toBeUndefined()
    expect(delivered).toMatchObject({ progress: 'Delivered', metrics: { step: 3 } })
    const jobs = (await (await fetch(`${head.address}/api/jobs/`)).json()) as {
      submission_id: string
      status: string
    }[]
    expect(jobs.map(({ submission_id, status }) => [submission_id, status])).toEqual([
      [`0g-finetune-${id}-0`, 'SUCCEEDED'],
    ])
    const names = (await client.events(id)).map(({ event }) => event)
    for (const name of ['started', 'step', 'done']) expect(names).toContain(name)
    await client.transact('acceptTask', order)
    expect((await client.until(id, ['Finished'])).progress).toBe('Finished')
  })

  it('that fails there is failed here, with the reason', async () => {
    const { client } = tuner
    // Only the trainer finds out that the model has no such part.
    const parameters = { lora_targets: 'no_such_module' }
    const { id } = await client.create({ dataset: datasetOf(4), parameters, trainSeconds: 120 })
    const failed = await client.until(id, ['Failed'], 240_000)
    expect(failed.failure).toMatchObject({ code: expect.stringMatching(/^(job_refused|trainer_failed)$/) })
    expect(failed.failure?.reason).not.toBe('')
  })
})

describe('an address where no cluster is', () => {
  it('is an error of its own', async () => {
    await expect(openRayTrainer({ address: 'http://127.0.0.1:9', python: PYTHON })).rejects.toMatchObject({
      code: 'ray_unreachable',
    })
    await expect(openRayTrainer({ address: tuner.broker.url, python: PYTHON })).rejects.toMatchObject({
      code: 'ray_refused',
    })
  })
})
