import type { HDNodeWallet } from 'ethers'
import type { Address } from '../../../src/base/hex.ts'
import { findService, type Service } from '../../../src/chain/inference.ts'
import type { Compute } from '../../../src/client/compute.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { clientOf } from '../../integration/client/clientOf.ts'
import { startDemo } from '../../integration/engine/fixtures/engines.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { startWorld, type World } from '../../support/world.ts'

/** The live network's bytecode on a chain of its own; our broker with the demo model; two users of ours. */
export interface Scene {
  readonly world: World
  readonly broker: Broker
  /** What the provider had before it registered, neuron. */
  readonly providerHad: bigint
  readonly compute: Compute
  /** Makes the command line act for the second user. */
  readonly env: Record<string, string>
  service(): Promise<Service>
  stop(): Promise<void>
}

export async function openScene(): Promise<Scene> {
  const [world, engine] = await Promise.all([startWorld('theirs'), startDemo()])
  const providerHad = await world.anvil.rpc.getBalance(world.provider.address)
  const broker = await world.startBroker(engine)
  const compute = await clientOf(world, world.anvil.wallets[3] as HDNodeWallet)
  return {
    world,
    broker,
    providerHad,
    compute,
    env: devnetHome(world, broker.url),
    service: async () => (await findService(world.inference, broker.provider as Address))!,
    async stop() {
      await compute.close()
      await world.stop()
      await engine.stop()
    },
  }
}
