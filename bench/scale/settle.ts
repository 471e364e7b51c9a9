import { join } from 'node:path'
import { toQuantity } from 'ethers'
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
/** Users who are onboarded in one block. */
const BLOCK = 100
const [world, scripted] = await Promise.all([
  startWorld('ours', undefined, { isForgetful: true }),
  startScriptedEngine(),
])
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
// A run waits two minutes for its transactions; what was sent and not seen until then the next one finds.
await measured(async () => {
  for (let owed = await owedNow(); owed > 0n; ) {
    await broker.settler.settleNow()
    const left = await owedNow()
    if (left === owed) throw new Error(`${left} neuron are still owed`)
    owed = left
  }
})
await world.stop()
await engine.stop()
await scripted.stop()

/** Neuron. */
async function owedNow(): Promise<bigint> {
  return BigInt((await broker.control.status()).owed)
}

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
  await rpc.send('evm_setAutomine', [false])
  for (let i = 0; i < count; i += BLOCK) {
    const some = users.slice(i, i + BLOCK)
    await Promise.all(some.map((user) => rpc.send('anvil_setBalance', [user, toQuantity(10n ** 18n)])))
    const call = { to: world.network.ledger, data, value: toQuantity(10n ** 17n), gas: toQuantity(250_000) }
    await Promise.all(some.map((from) => rpc.send('eth_sendTransaction', [{ from, ...call }])))
    await rpc.send('evm_mine', [])
  }
  await rpc.send('evm_setAutomine', [true])
}
