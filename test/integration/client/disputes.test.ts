import { join } from 'node:path'
import { type Contract, formatEther, type HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { chainTimeSeconds } from '../../../src/chain/clock.ts'
import { contradictionOf } from '../../../src/client/receipts/contradiction.ts'
import { encodeBatchRows, signBatch } from '../../../src/protocol/batch.ts'
import { canonicalJson, sha256Text } from '../../../src/protocol/canonical.ts'
import { type ReceiptJson, receiptFromJson } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { runCli } from '../../support/cli.ts'
import { equivocate } from '../../support/equivocate.ts'
import { openTamperedShop, type TamperedShop } from '../../support/shop.ts'
import type { TamperProxy } from '../../support/tamperProxy.ts'
import { slowly } from '../../support/vouchers.ts'
import type { Contracts, World } from '../../support/world.ts'
import { clientOf } from './clientOf.ts'

let shop: TamperedShop
let world: World
let broker: Broker
let host: TamperProxy
let env: Record<string, string>
let file: TamperedShop['file']

beforeAll(() => setUp('ours'))

afterEach(() => {
  host.tampering = null
})

afterAll(() => shop?.stop())

const ASK = ['infer', 'Say something', '--model', 'steady', '--max-tokens', '3']

async function json(args: string[], more: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli([...args, '--json'], { ...env, ...more })
  return { code, stderr, value: JSON.parse(stdout) }
}

describe('receipts dispute', { timeout: 300_000 }, () => {
  it('refuses receipts that prove nothing, before anything is sent', async () => {
    const { receipt } = (await json(ASK)).value
    const one = file('one.json', receipt)
    const unchanged = await json(['receipts', 'dispute', one, one])
    expect([unchanged.code, unchanged.value.code]).toEqual([1, 'dispute_unfounded'])
    const alone = await json(['receipts', 'dispute', one])
    expect([alone.code, alone.value.code]).toEqual([1, 'dispute_unfounded'])
    const elsewhere = file('elsewhere.json', { ...receipt, chainId: 1 })
    const other = await json(['receipts', 'dispute', elsewhere])
    expect([other.code, other.value.code]).toEqual([2, 'evidence_other_network'])
  })

  it('sends nothing without approval, nor where the contracts know no disputes', async () => {
    const { receipt } = (await json(ASK)).value
    const other = equivocate(world, receipt, { fee: 1n })
    const contradiction = contradictionOf([receipt, other].map(receiptFromJson))!
    const compute = await clientOf(world, world.user)
    await expect(compute.dispute(contradiction)).rejects.toMatchObject({ code: 'dispute_declined' })
    await compute.close()
    const network = { ...world.network, inference: world.network.ledger }
    const elsewhere = await clientOf({ ...world, network }, world.user)
    await expect(elsewhere.dispute(contradiction)).rejects.toMatchObject({
      code: 'disputes_unsupported',
      exitCode: 20,
    })
    await elsewhere.close()
    const own = equivocate(world, receipt, { provider: world.user.address as Address })
    const never = contradictionOf([own, equivocate(world, own, { fee: 1n })].map(receiptFromJson))!
    const third = await clientOf(world, world.user)
    await expect(third.dispute(never)).rejects.toMatchObject({ code: 'dispute_unfounded' })
    await third.close()
  })

  it('finds the contradiction, claims, waits, and pays back what was taken', async () => {
    // The enclave's host has it settle far more than it charged, under a number that its receipts have passed.
    const overcharge = ONE_0G / 4n
    const charged = await chargeBeyondReceipts(overcharge)
    const audit = await json(['receipts', 'audit'])
    expect(audit.code).toBe(10)
    expect(audit.value.disputes).toHaveLength(1)
    expect(audit.value.providers[0].unexplained).toMatchObject([{ kind: 'paid_without_receipt' }])
    const [dispute] = audit.value.disputes
    expect(audit.stderr).toContain(`receipts dispute ${dispute}`)

    // While the chain's time stands, the stake stays frozen.
    const [claimed, left] = await slowly(world, async () => [
      await runCli(['receipts', 'dispute', dispute], env),
      await json(['provider', 'leave', '--force']),
    ])
    expect(claimed.code, claimed.stderr).toBe(11)
    expect(claimed.stderr).toMatch(/Stake 1 0G; it is frozen for 5 s, then it pays\./)
    const back = formatEther(charged)
    expect(claimed.stderr).toContain(`Taken beyond the receipt: ${back} 0G`)
    expect(claimed.stdout).toMatch(/The stake is frozen until \d{4}-.*Z; then: /)
    expect(claimed.stdout).toContain(`${back} 0G to ${world.user.address}`)
    expect([left.code, left.value.code]).toEqual([1, 'stake_frozen'])

    const before = await world.anvil.rpc.getBalance(world.user.address)
    const paid = await json(['receipts', 'dispute', dispute, '--wait'])
    expect(paid.code, paid.stderr).toBe(0)
    expect(paid.value).toMatchObject({
      state: 'paid',
      windowEndsAt: null,
      collected: [{ user: world.user.address, amount: charged.toString() }],
      burned: (ONE_0G - charged).toString(),
    })
    const gas = ONE_0G / 100n
    expect(await world.anvil.rpc.getBalance(world.user.address)).toBeGreaterThan(before + charged - gas)
    const again = await json(['receipts', 'dispute', dispute])
    expect([again.code, again.value.code]).toEqual([1, 'dispute_spent'])
  })
})

describe('a broker whose key signs two receipts with one number', { timeout: 300_000 }, () => {
  let first: { readonly receipt: ReceiptJson }

  beforeAll(async () => {
    await shop.stop()
    await setUp('ours')
    first = (await json(ASK)).value
  })

  it('is found out by an audit of all that it lists', async () => {
    const listed = JSON.stringify({ receipts: [equivocate(world, first.receipt, { fee: 1n })], next: null })
    host.tampering = { document: ({ search }) => (search === '?after=0' ? listed : null) }
    expect((await json(['receipts', 'audit'])).value.disputes).toEqual([])
    const full = await json(['receipts', 'audit', '--full'])
    expect([full.code, full.value.disputes.length]).toEqual([10, 1])
  })

  it('is found out where receipts that it lists do not add up, though every sum does', async () => {
    const { seq, cumulative } = receiptFromJson(first.receipt).receipt
    const dear = equivocate(world, first.receipt, {
      seq: seq + 1,
      fee: ONE_0G,
      cumulative: cumulative + ONE_0G,
    })
    const detail = canonicalJson({ ...JSON.parse(first.receipt.detail), counts: { output: 1_000_000 } })
    const fee = 1_000_000n * BigInt(JSON.parse(detail).prices.output)
    const total = cumulative + ONE_0G + fee
    const change = { seq: seq + 2, fee, cumulative: total, detail: sha256Text(detail) }
    const much = equivocate(world, { ...first.receipt, detail }, change)
    const documents: Record<string, object> = {
      'receipts?after=0': { receipts: [first.receipt, dear, much], next: null },
      unsettledfee: { unsettledFee: String(total) },
      // Else the broker is shown what it would take for a receipt that it forgot.
      receipts: {},
    }
    host.tampering = {
      document: ({ pathname, search }) => {
        const own = documents[`${pathname.split('/').at(-1)}${search}`]
        return own ? JSON.stringify(own) : null
      },
    }
    const elsewhere = { ZG_HOME: join(world.dir, 'elsewhere') }
    const audit = await json(['receipts', 'audit'], elsewhere)
    expect(audit.code).toBe(10)
    const [provider] = audit.value.providers
    expect(provider.unexplained).toContainEqual({
      kind: 'receipt_wrong',
      amount: String(ONE_0G + fee),
      detail: `by 2 receipts that do not add up: receipts ${seq + 1}, ${seq + 2}`,
    })
    expect(provider).toMatchObject({
      charged: String(total),
      withoutAnswer: { receipts: 3, charged: String(total) },
    })
    const { stdout } = await runCli(['receipts', 'audit'], { ...env, ...elsewhere })
    expect(stdout).toContain(`3 of them, ${formatEther(total)} 0G, have no answer here`)
  })

  it('is found out by its user, and loses its stake: a bounty for the payer where another sends the claim', async () => {
    const { seq } = first.receipt.receipt
    host.tampering = {
      proof: (proof) => ({ ...proof, receipt: equivocate(world, proof.receipt as never, { seq }) as never }),
    }
    const second = await json(ASK)
    expect([second.code, second.value.failedStep]).toEqual([10, 'sequence'])
    host.tampering = null
    const audit = await json(['receipts', 'audit'])
    expect(audit.code).toBe(10)
    const [dispute] = audit.value.disputes
    expect(audit.value.providers[0].unexplained).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'contradiction' })]),
    )

    const watcher = { ZG_PRIVATE_KEY: (world.anvil.wallets[4] as HDNodeWallet).privateKey }
    const before = await world.anvil.rpc.getBalance(world.user.address)
    const paid = await json(['receipts', 'dispute', dispute, '--wait'], watcher)
    expect(paid.code, paid.stderr).toBe(0)
    const bounty = ONE_0G / 20n
    expect(paid.value.outlook.expected).toEqual([{ user: world.user.address, amount: bounty.toString() }])
    expect(paid.value.collected).toEqual([{ user: world.user.address, amount: bounty.toString() }])
    expect(paid.value.burned).toBe((ONE_0G - bounty).toString())
    expect(await world.anvil.rpc.getBalance(world.user.address)).toBe(before + bounty)
  })
})

describe('on contracts that know no disputes', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    await shop.stop()
    await setUp('theirs')
  })

  it('an audit keeps the proof for anybody who reads it, and advises no claim', async () => {
    const { receipt } = (await json(ASK)).value
    const listed = JSON.stringify({ receipts: [equivocate(world, receipt, { fee: 1n })], next: null })
    host.tampering = { document: ({ search }) => (search === '?after=0' ? listed : null) }
    const audit = await json(['receipts', 'audit', '--full'])
    expect(audit).toMatchObject({ code: 10, value: { disputable: false, disputes: { length: 1 } } })
    expect(audit.stderr).not.toContain('receipts dispute')
    const [proof] = audit.value.disputes
    const { stdout } = await runCli(['receipts', 'audit', '--full'], env)
    expect(stdout).toContain(`Proof of a contradiction; this network takes no disputes: ${proof}\n`)
    expect(await json(['receipts', 'dispute', proof])).toMatchObject({
      code: 20,
      value: { code: 'disputes_unsupported' },
    })
  })
})

/** Settles a batch beyond all receipts, numbered below the last of them. @returns neuron taken beyond that receipt */
async function chargeBeyondReceipts(amount: bigint): Promise<bigint> {
  const { value } = await json(['receipts', 'list'])
  const { receipt } = value.receipts.at(-1)
  const cumulative = BigInt(receipt.cumulative) + amount
  const user = world.user.address as Address
  await fundMore(amount)
  const batch = {
    provider: broker.provider,
    upTo: receipt.seq - 1,
    asOf: await chainTimeSeconds(world.anvil.rpc),
    rows: [{ user, cumulative }],
  }
  const { chainId, inference } = world.network
  const signature = signBatch(world.tee.signerKey, chainId, inference, batch)
  const serving = world.inference.connect(world.provider as HDNodeWallet) as Contract
  const args = [batch.provider, batch.upTo, batch.asOf, encodeBatchRows(batch.rows), signature]
  await (await serving.getFunction('settleBatch')(...args)).wait()
  return amount
}

const fundMore = (amount: bigint): Promise<void> => world.fund(world.user as HDNodeWallet, 2n * amount)

async function setUp(contracts: Contracts): Promise<void> {
  shop = await openTamperedShop(contracts)
  ;({ world, broker, host, env, file } = shop)
}
