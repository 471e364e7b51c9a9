import { expect, it } from 'vitest'
import { datasetOf, hasTrainer } from './taskClient.ts'
import { startTuner } from './tuner.ts'

it.skipIf(!hasTrainer)(
  'a broker that stops ends the streams of those who follow a task, and does not wait for them',
  async () => {
    const { broker, client, stop } = await startTuner()
    try {
      const { id } = await client.create({ dataset: datasetOf(12), parameters: { max_steps: 5000 } })
      await client.until(id, ['Training'])
      const path = `${client.base}/user/${client.address}/task/${id}/events?follow=true`
      const followed = await fetch(path, { headers: { 'zg-task-read': await client.readHeader(id) } })
      // Far longer than this test may take.
      await broker.stop({ graceMs: 900_000 })
      expect(await followed.text()).toContain('"state":"Training"')
    } finally {
      await stop()
    }
  },
)
