import { join } from 'node:path'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { readEarnings, type Trained } from '../../../src/provider/earnings.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import type { FineTuningOptions } from '../../../src/provider/finetune/options.ts'
import { startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type Contracts, startWorld, type World } from '../../support/world.ts'
import { fineTuningOptions, TaskClient } from './taskClient.ts'

/** A broker that fine-tunes, with a stand-in for its engine, and a funded user. */
export interface Tuner {
  readonly world: World
  readonly broker: Broker
  readonly client: TaskClient
  stop(): Promise<void>
}

export async function startTuner(
  change: Partial<FineTuningOptions> = {},
  contracts: Contracts = 'ours',
): Promise<Tuner> {
  const [world, scripted] = await Promise.all([startWorld(contracts), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  const broker = await world.startBroker(engine, { fineTuning: fineTuningOptions(world, change) })
  const client = new TaskClient(world, broker.url)
  await client.fund()
  return {
    world,
    broker,
    client,
    async stop() {
      await world.stop()
      await engine.stop()
      await scripted.stop()
    },
  }
}

/** What its ledger says that trainings earned, as `provider earnings` reads it. */
export async function trainingsOf({ world }: Tuner): Promise<readonly Trained[]> {
  const { trainings } = await readEarnings(`sqlite:${join(world.dir, 'broker', 'ledger.sqlite')}`, 0)
  return trainings
}
