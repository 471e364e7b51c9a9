import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { readSettled } from '../../src/chain/batches.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { CHAT } from '../support/brokerBench.ts'
import { ledgerKeys } from '../support/ledger.ts'
import { describeVouchers } from '../support/ledgerVouchers.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { delegate, openAccount, withoutTee } from '../support/vouchers.ts'
import { PRICES, startWorld, tokenOf, type World } from '../support/world.ts'

let postgres: Postgres
let schemas = 0

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(() => postgres?.stop())

describe('vouchers in PostgreSQL', () => {
  describeVouchers(async () => {
    const database = await postgres.createSchema(`vouchers${++schemas}`)
    return { open: () => openLedger({ ...ledgerKeys(), database }), remove: async () => {} }
  })
})

describe('two replicas without a TEE', () => {
  let world: World
  let scripted: ScriptedEngine
  let engine: Engine
  let replicas: Broker[]

  beforeAll(async () => {
    ;[world, scripted] = await Promise.all([startWorld('ours'), startScriptedEngine()])
    engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
    const database = await postgres.create('replicas')
    const start = (name: string) =>
      world.startBroker(engine, {
        ...withoutTee(),
        database,
        dataDir: join(world.dir, name),
        publicUrl: 'http://127.0.0.1:1',
      })
    replicas = [await start('one'), await start('two')]
  })

  afterAll(async () => {
    await world?.stop()
    await engine?.stop()
    await scripted?.stop()
  })

  const body = JSON.stringify({
    model: 'steady',
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 4,
  })
  const most = BigInt(body.length + 64) * PRICES.input + 4n * PRICES.output
  const fee = 10n * PRICES.input + 4n * PRICES.output

  it('serve on one voucher what it covers, whichever was shown it, and claim it once', async () => {
    await openAccount(world, world.user)
    const session = await delegate(world, world.user)
    const authorization = `Bearer ${await tokenOf(world.user, world.provider.address)}`
    const post = async ({ port }: Broker, cumulative: bigint) => {
      const response = await fetch(`http://127.0.0.1:${port}${CHAT}`, {
        method: 'POST',
        headers: { authorization, ...session.voucher(cumulative) },
        body,
      })
      const answer = await response.json()
      return { status: response.status, code: answer.error?.code, details: answer.error?.details }
    }
    let charged = 0n
    for (let round = 0; round < 3; round++) {
      for (const replica of replicas) {
        expect(await post(replica, charged + most)).toMatchObject({ status: 200 })
        charged += fee
      }
    }
    // Neither serves on what the other has charged already.
    for (const replica of replicas) {
      const refused = await post(replica, most)
      expect(refused).toMatchObject({ status: 402, code: 'voucher_insufficient' })
      expect(refused.details.charged).toBe(`${charged}`)
    }
    await Promise.all(replicas.map(({ settler }) => settler.settleNow()))
    const settled = async () => {
      const user = world.user.address as Address
      return (await readSettled(world.inference, user, world.provider.address as Address)).settled
    }
    expect(await settled()).toBe(charged)

    // Shown to both at once, it pays for one answer: the other is refused while that runs, and after it.
    scripted.delayMs = 20
    for (let round = 0; round < 3; round++) {
      const both = await Promise.all(replicas.map((replica) => post(replica, charged + most)))
      expect(both.map(({ status }) => status).sort()).toEqual([200, 402])
      charged += fee
    }
    scripted.delayMs = 0

    // What only one was shown, the other claims.
    expect((await post(replicas[0]!, charged + most)).status).toBe(200)
    // Who has lost the total finds there too what its key signed.
    const shown = await post(replicas[1]!, 1n)
    expect(shown.details).toMatchObject({ vouchers: [{ cumulative: `${charged + most}` }] })
    charged += fee
    await replicas[1]!.settler.settleNow()
    expect(await settled()).toBe(charged)
  }, 240_000)
})
