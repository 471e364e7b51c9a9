import { setTimeout as sleep } from 'node:timers/promises'
import { ZeroHash } from 'ethers'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address, Hex } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { signSettlement } from '../../src/protocol/settlement.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { PostgresDatabase } from '../../src/provider/ledger/postgres/database.ts'
import { Deadline } from '../../src/provider/settlement/deadline.ts'
import { enterEpoch } from '../../src/provider/settlement/enterEpoch.ts'
import { type Market, newUser, openMarket, paidOnChain } from '../integration/settlement/market.ts'
import {
  deliveredOf,
  exchangeOf,
  type LedgerOwner,
  ledgerKeys,
  TEST_KEY,
  TEST_OWNER,
  TEST_SIGNER,
} from '../support/ledger.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const LEASE_MS = 3000

let postgres: Postgres
let market: Market
let owner: LedgerOwner

beforeAll(async () => {
  ;[postgres, market] = await Promise.all([startPostgres(), openMarket('ours')])
  owner = { chainId: 31337, contract: market.world.network.inference, provider: market.provider }
})

afterAll(async () => {
  await market?.stop()
  await postgres?.stop()
})

it('a user who leaves is settled at once by a replica that never charged it', async () => {
  const options = { ...ledgerKeys(owner), database: await postgres.createSchema('leaving') }
  const [charged, other]: Ledger[] = [await openLedger(options), await openLedger(options)]
  const alice = await newUser(market, 1)
  const user = alice.address as Address
  const first = Promise.withResolvers<void>()
  const afterRun = async () => first.resolve()
  const settler = market.settler({ ledger: other!, intervalMs: 3_600_000, afterRun })
  settler.start()
  await first.promise
  await charged!.charge(exchangeOf(user, { prices: { input: 100n } }), deliveredOf(0, 1), 'complete')
  settler.noteLeaving(user)
  await expect.poll(() => paidOnChain(market, alice)).toBe(100n)
  await settler.stop()
  await Promise.all([charged!.close(), other!.close()])
})

it('a replica that waits for the turn while another has it can be stopped', async () => {
  const options = { ...ledgerKeys(owner), database: await postgres.createSchema('turn') }
  const [holder, waiting]: Ledger[] = [await openLedger(options), await openLedger(options)]
  const turn = await holder!.takeTurn()
  const entering = enterEpoch({
    ledger: waiting!,
    rpc: market.anvil.rpc,
    contract: market.world.inference,
    operator: market.operator,
    provider: market.provider,
    chainId: 31337,
    signer: TEST_SIGNER,
    ...{ confirmations: 1, pollMs: 20, newEpoch: false, log: silentLogger },
    deadline: new Deadline(Date.now() + 300),
  })
  await expect(entering).rejects.toMatchObject({ code: 'epoch_not_open', retryable: true })
  await turn!.end()
  await Promise.all([holder!.close(), waiting!.close()])
})

describe.each(['held up', 'asleep'])('a transaction whose process was %s for too long', (how) => {
  it('runs again', async () => {
    const url = await postgres.createSchema(how.replace(' ', ''))
    const { rowKey } = ledgerKeys()
    const database = new PostgresDatabase(url, TEST_OWNER, rowKey)
    await database.prepare(rowKey, 1)
    let runs = 0
    const seq = await database.exclusively(async ({ tx, lastSeq, raiseSeq }) => {
      if (++runs === 1) {
        await sql`SET LOCAL idle_in_transaction_session_timeout = 200`.execute(tx)
        if (how === 'asleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
        else await sleep(600)
      }
      await raiseSeq(lastSeq + 1)
      return lastSeq + 1
    })
    expect([runs, seq]).toEqual([2, 1])
    await database.close()
  })
})

it('an outage of the database longer than the lease makes no replica charge what another still serves', async () => {
  const database = await postgres.create('outage')
  const elsewhere = await postgres.create('elsewhere')
  const open = () => openLedger({ ...ledgerKeys(), database, leaseMs: LEASE_MS })
  const replicas = await Promise.all([open(), open(), open()])
  const exchanges = replicas.map(() => exchangeOf(ALICE))
  await Promise.all(replicas.map((replica, index) => replica.checkpoint(exchanges[index]!, deliveredOf(1))))
  const accept = (isUp: boolean) =>
    postgres.query(elsewhere, `ALTER DATABASE outage ALLOW_CONNECTIONS ${isUp}`)
  await accept(false)
  await postgres.disconnect('outage')
  await sleep(1.3 * LEASE_MS)
  await accept(true)
  await sleep(LEASE_MS)
  const receipts = await Promise.all(
    replicas.map((replica, index) => replica.charge(exchanges[index]!, deliveredOf(9), 'complete')),
  )
  expect(receipts.map(({ receipt }) => receipt.fee)).toEqual([47n, 47n, 47n])
  await Promise.all(replicas.map((replica) => replica.close()))
})

it('a payment that another replica books while this one charges is not counted twice', async () => {
  const options = { ...ledgerKeys(), database: await postgres.createSchema('booked') }
  const [here, there]: Ledger[] = [await openLedger(options), await openLedger(options)]
  const charge = (neuron: bigint) =>
    here!.charge(exchangeOf(ALICE, { prices: { input: neuron } }), deliveredOf(0, 1), 'complete')
  await charge(100n)
  const key = { user: ALICE, nonce: 1n } as const
  const entry = { ...key, provider: TEST_OWNER.provider, totalFee: 100n, requestsHash: ZeroHash as Hex }
  const signature = signSettlement(TEST_KEY, TEST_OWNER.chainId, TEST_OWNER.contract, entry)
  await there!.settlements.store([{ entry: { ...entry, signature }, throughSeq: 1, fromBlock: 0 }])
  await here!.refresh(ALICE)
  const block = { number: 1, hash: ZeroHash as Hex }
  await there!.settlements.markDone(key, 100n, ZeroHash as Hex, block)
  await charge(7n)
  expect(here!.owed(ALICE, { nonce: 1n })).toBe(7n)
  await here!.refresh(ALICE)
  expect(here!.owed(ALICE, { nonce: 1n })).toBe(7n)
  await Promise.all([here!.close(), there!.close()])
})
