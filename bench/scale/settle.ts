import { join } from 'node:path'
import type { Address } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { openSqliteLedger } from '../../src/provider/ledger/sqlite/sqliteLedger.ts'
import { ledgerKeyOf } from '../../src/provider/tee/ledgerKey.ts'
import { deliveredOf, exchangeOf } from '../../test/support/ledger.ts'
import { startScriptedEngine } from '../../test/support/scriptedEngine.ts'
import { PRICES, startWorld } from '../../test/support/world.ts'
import { measured } from './measured.ts'

/** `node bench/scale/settle.ts N`: the broker settles N users who owe, on Anvil; its own CPU and memory. */
const count = Number(process.argv[2])
const [world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
const users = Array.from(
  { length: count },
  (_, i) => `0x${(0x10000 + i).toString(16).padStart(40, '0')}` as Address,
)
// Registers the service; whoever owes is charged and onboarded while no broker looks.
await (await world.startBroker(engine)).stop({ graceMs: 0 })
await onboardAll()
await chargeAll()
const broker = await world.startBroker(engine)
await measured(async () => {
  await broker.settler.settleNow()
  const { owed } = await broker.control.status()
  if (owed !== '0') throw new Error(`${owed} neuron are still owed`)
})
await world.stop()
await engine.stop()
await scripted.stop()

/** As an earlier run of this broker would have left them. */
async function chargeAll(): Promise<void> {
  const { signerKey } = world.tee
  const { chainId, inference: contract } = world.network
  const ledger = await openSqliteLedger({
    chainId,
    contract,
    provider: world.provider.address as Address,
    rowKey: ledgerKeyOf(world.tee),
    signerKey,
    path: join(world.dir, 'broker', 'ledger.sqlite'),
  })
  await Promise.all(
    users.map((user) => ledger.charge(exchangeOf(user, { prices: PRICES }), deliveredOf(1000), 'complete')),
  )
  await ledger.close()
}

/** Each user sends its own transaction, from an account that Anvil unlocks. */
async function onboardAll(): Promise<void> {
  const { rpc } = world.anvil
  const data = world.ledger.interface.encodeFunctionData('onboard', [
    world.network.inference,
    world.provider.address,
    world.tee.signer,
    10n ** 17n,
  ])
  await rpc.send('anvil_autoImpersonateAccount', [true])
  for (const from of users) {
    await rpc.send('anvil_setBalance', [from, `0x${(10n ** 18n).toString(16)}`])
    const tx = {
      from,
      to: world.network.ledger,
      data,
      value: `0x${(10n ** 17n).toString(16)}`,
      gas: '0xf4240',
    }
    await rpc.send('eth_sendTransaction', [tx])
  }
}
