import { join } from 'node:path'
import type { Broker } from '../../../src/provider/broker.ts'
import { startDemo } from '../../integration/engine/fixtures/engines.ts'
import { startWorld, type World } from '../../support/world.ts'
import { muteConsole } from '../support/muteConsole.ts'
import { deployWhereTheyLook } from './deploy.ts'
import { openCli, openLibrary, type TheirCli, type TheirLibrary } from './published.ts'

/** Our contracts where the published software looks for them, our broker with the demo model, their software. */
export interface Scene {
  readonly world: World
  readonly broker: Broker
  /** Their library for a user, for the contract's owner and for the provider. */
  readonly user: TheirLibrary
  readonly owner: TheirLibrary
  readonly provider: TheirLibrary
  /** Their command line for another user, and for the provider. */
  readonly cli: TheirCli
  readonly cliUser: string
  readonly providerCli: TheirCli
  stop(): Promise<void>
}

export async function openScene(): Promise<Scene> {
  const unmute = muteConsole()
  const [world, engine] = await Promise.all([startWorld('ours', deployWhereTheyLook), startDemo()])
  const broker = await world.startBroker(engine)
  const { url, wallets } = world.anvil
  const keyOf = (index: number) => wallets[index]!.privateKey
  const library = (index: number) => openLibrary(url, keyOf(index))
  const [owner, provider, user] = await Promise.all([library(0), library(1), library(3)])
  return {
    world,
    broker,
    user,
    owner,
    provider,
    cli: openCli(join(world.dir, 'home'), url, keyOf(4)),
    cliUser: wallets[4]!.address,
    providerCli: openCli(join(world.dir, 'provider-home'), url, keyOf(1)),
    async stop() {
      for (const open of [user, owner, provider]) open.close()
      await world.stop()
      await engine.stop()
      unmute()
    },
  }
}
