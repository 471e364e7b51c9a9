import { join } from 'node:path'
import type { Contract, HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readSettled } from '../../../src/chain/batches.ts'
import { findAccount, findService } from '../../../src/chain/inference.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import {
  closeAccount,
  delegate,
  openAccount,
  slowly,
  type TestSession,
  undelegated,
  withoutTee,
} from '../../support/vouchers.ts'
import { PRICES, startWorld, tokenOf } from '../../support/world.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench(withoutTee(), 'ours')
})

afterAll(() => bench?.stop())

/** The most that `bench.chat()` can cost, and what the stand-in's answer to it does. */
const most = (body: string): bigint => BigInt(body.length + 64) * PRICES.input + 4n * PRICES.output
const FEE = 10n * PRICES.input + 4n * PRICES.output

interface Payer {
  readonly wallet: HDNodeWallet
  readonly session: TestSession
  post(cumulative: bigint, by?: TestSession): ReturnType<Bench['post']>
}

/** A user of its own, with money at the provider and a session key. */
async function newPayer(index: number, options: Parameters<typeof delegate>[2] = {}): Promise<Payer> {
  const wallet = bench.world.anvil.wallets[index] as HDNodeWallet
  await openAccount(bench.world, wallet)
  return payerOf(wallet, await delegate(bench.world, wallet, options))
}

const payerOf = (wallet: HDNodeWallet, session: TestSession): Payer => ({
  wallet,
  session,
  async post(cumulative, by = session) {
    const generation = await generationOf(wallet)
    const token = await tokenOf(wallet, bench.broker.provider, { generation })
    return bench.post(bench.chat(), { authorization: `Bearer ${token}`, ...by.voucher(cumulative) })
  },
})

const accountOf = (wallet: HDNodeWallet) =>
  findAccount(bench.world.inference, wallet.address as Address, bench.broker.provider)
const generationOf = async (wallet: HDNodeWallet) => (await accountOf(wallet))?.generation ?? 0
async function feesOf(wallet: HDNodeWallet): Promise<bigint[]> {
  const token = await tokenOf(wallet, bench.broker.provider, { generation: await generationOf(wallet) })
  const path = `${bench.broker.url}/v1/user/${wallet.address}/receipts`
  const { receipts } = await (await fetch(path, { headers: { authorization: `Bearer ${token}` } })).json()
  return receipts.map(({ receipt }: { receipt: { fee: string } }) => BigInt(receipt.fee))
}
const settledOf = async (wallet: HDNodeWallet) =>
  (await readSettled(bench.world.inference, wallet.address as Address, bench.broker.provider)).settled

describe('a broker without a TEE', () => {
  it('says so on chain, in its list of models and in its capabilities, and has no evidence', async () => {
    const service = await findService(bench.world.inference, bench.broker.provider)
    expect(service).toMatchObject({ teeSignerAddress: `0x${'0'.repeat(40)}`, verifiability: '' })
    expect(bench.broker.warning).toBeNull()
    const document = async (path: string) => (await fetch(bench.broker.url + path)).json()
    const { data } = await document('/v1/models')
    expect(data[0]).toMatchObject({ verifiability: 'none', payment: { kind: 'vouchers', credit: '0' } })
    expect(data[0].pricing).toMatchObject({ prompt: `${PRICES.input}`, completion: `${PRICES.output}` })
    const capabilities = await document('/v1/capabilities')
    expect(capabilities).toMatchObject({ vouchers: 1, voucherHeader: 'zg-voucher', voucherCredit: '0' })
    expect(capabilities.settlement).toEqual(['settleVouchers'])
    expect(capabilities.quoteNonce).toBeUndefined()
    for (const query of ['', `?nonce=${'ab'.repeat(32)}`]) {
      const response = await fetch(`${bench.broker.url}/v1/quote${query}`)
      expect(response.status).toBe(404)
      expect((await response.json()).error.code).toBe('evidence_missing')
    }
  })

  it('does nothing for a request without a voucher', async () => {
    const before = bench.scripted.requests.length
    const refused = await bench.post(bench.chat())
    expect(refused).toMatchObject({ status: 402, code: 'voucher_missing' })
    expect(refused.error?.details).toMatchObject({
      charged: '0',
      amount: `${most(bench.chat())}`,
      vouchers: [],
    })
    expect(bench.scripted.requests.length).toBe(before)
  })

  it('serves what is signed for, charges what was counted, and claims exactly that', async () => {
    const body = bench.chat()
    const payer = await newPayer(4)
    expect((await payer.post(most(body) - 1n)).code).toBe('voucher_insufficient')
    expect((await payer.post(most(body))).status).toBe(200)
    // The same again, which was signed for one answer, and one that is lower.
    expect((await payer.post(most(body))).code).toBe('voucher_insufficient')
    expect((await payer.post(most(body) - 1n)).code).toBe('voucher_insufficient')
    const refused = await payer.post(FEE + most(body) - 1n)
    expect(refused).toMatchObject({ status: 402, code: 'voucher_insufficient' })
    expect(refused.error?.details).toMatchObject({
      charged: `${FEE}`,
      reserved: '0',
      amount: `${most(body)}`,
      credit: '0',
      vouchers: [{ cumulative: `${most(body)}` }],
    })
    expect((await payer.post(FEE + most(body))).status).toBe(200)
    // The first may have been claimed already: who delegates is settled when the broker hears of it.
    await bench.broker.settler.settleNow()
    expect(await settledOf(payer.wallet)).toBe(2n * FEE)
    // Nothing is owed, and nothing is taken again.
    expect((await bench.broker.settler.settleNow()).transactions).toEqual([])
  })

  it('serves no more of many requests at once than one voucher covers', async () => {
    const payer = await newPayer(5)
    const before = bench.scripted.requests.length
    const total = 3n * most(bench.chat())
    const answers = await Promise.all(Array.from({ length: 12 }, () => payer.post(total)))
    const served = answers.filter(({ status }) => status === 200)
    expect(served.length).toBeGreaterThanOrEqual(3)
    expect(BigInt(served.length) * FEE).toBeLessThanOrEqual(total)
    expect(bench.scripted.requests.length - before).toBe(served.length)
    for (const { status, code } of answers) if (status !== 200) expect(code).toBe('voucher_insufficient')
    await bench.broker.settler.settleNow()
    expect(await settledOf(payer.wallet)).toBe(BigInt(served.length) * FEE)
  })

  it.each([
    ['chat/completions', { max_completion_tokens: 1, max_tokens: 3000 }],
    ['messages', { max_completion_tokens: 1, max_tokens: 3000 }],
    ['chat/completions', { max_tokens: 1, n_predict: 3000 }],
    ['completions', { max_tokens: 100, prompt: Array(30).fill('hi') }],
  ])('sets the most aside that an engine may make of a request: %s %o', async (path, change) => {
    const { length } = bench.scripted.requests
    const body = bench.chat(change)
    const refused = await bench.post(body, {}, `/v1/proxy/${path}`)
    const amount = BigInt(body.length + 64) * PRICES.input + 3000n * PRICES.output
    expect(refused).toMatchObject({ code: 'voucher_missing', error: { details: { amount: `${amount}` } } })
    expect(bench.scripted.requests.length).toBe(length)
  })

  it('caps an answer to what is signed, where the caller allows it', async () => {
    const payer = await newPayer(6)
    const body = bench.chat({ max_tokens: 1000 })
    const token = await tokenOf(payer.wallet, bench.broker.provider)
    const signed = BigInt(body.length + 64) * PRICES.input + 20n * PRICES.output
    const answer = await bench.post(body, {
      authorization: `Bearer ${token}`,
      'zg-cap-output': 'balance',
      ...payer.session.voucher(signed),
    })
    expect(answer.headers.get('zg-capped-to')).toBe('20')
  })
})

describe('a voucher is refused', () => {
  it.each(['', 'v1,12,0x', 'v1,1e9,0x12', `v1,${2n ** 96n},0x${'11'.repeat(65)}`])(
    'that is malformed: "%s"',
    async (text) => {
      const before = bench.scripted.requests.length
      const refused = await bench.post(bench.chat(), { 'zg-voucher': text })
      expect(refused).toMatchObject({ status: 400, code: 'voucher_malformed' })
      expect(bench.scripted.requests.length).toBe(before)
    },
  )

  it('of a key that nobody delegated, that is for another provider, or that is another payer’s', async () => {
    const payer = await newPayer(7)
    const enough = 100n * most(bench.chat())
    const stranger = await undelegated(bench.world, payer.wallet)
    const elsewhere = await undelegated(bench.world, payer.wallet, {
      key: payer.session.key,
      provider: bench.world.anvil.wallets[9]!.address as Address,
    })
    const other = await delegate(bench.world, bench.world.anvil.wallets[4] as HDNodeWallet)
    for (const by of [stranger, elsewhere, other])
      expect(await payer.post(enough, by)).toMatchObject({ status: 403, code: 'session_unknown' })
    const zeros = { 'zg-voucher': `v1,${enough},0x${'00'.repeat(65)}` }
    expect(await bench.post(bench.chat(), zeros)).toMatchObject({ status: 403, code: 'session_unknown' })
    expect((await payer.post(enough)).status).toBe(200)
  })

  it('above the cap of its key, until the payer raises that', async () => {
    const wallet = bench.world.anvil.wallets[7] as HDNodeWallet
    const gwei = 10n ** 9n
    const charged = FEE
    const needed = charged + most(bench.chat())
    const cap = needed - (needed % gwei)
    const low = payerOf(wallet, await delegate(bench.world, wallet, { cap }))
    expect(await low.post(cap + gwei)).toMatchObject({ status: 402, code: 'voucher_over_cap' })
    const raised = await delegate(bench.world, wallet, {
      key: low.session.key,
      cap: cap + gwei,
      lasts: 31 * 86_400,
    })
    expect((await low.post(cap + gwei, raised)).status).toBe(200)
  })

  it('of a key that is over, or too soon over to be claimed, from the block that ends it', async () => {
    const wallet = bench.world.anvil.wallets[7] as HDNodeWallet
    const enough = 100n * most(bench.chat())
    // The bench settles once an hour, so a key has to be good for two.
    const soon = payerOf(wallet, await delegate(bench.world, wallet, { lasts: 7000 }))
    expect(await soon.post(enough)).toMatchObject({ status: 403, code: 'session_over' })
    const ended = payerOf(wallet, await delegate(bench.world, wallet))
    expect((await ended.post(enough)).status).toBe(200)
    await slowly(bench.world, async () => {
      const serving = bench.world.inference.connect(wallet) as Contract
      await (await serving.getFunction('endSession')(bench.broker.provider, ended.session.address)).wait()
      await expect.poll(async () => (await ended.post(enough)).code).toBe('session_over')
      // What it signed before is taken within the lock time, since the end of a session settles at once.
      const charged = (await feesOf(wallet)).reduce((sum, fee) => sum + fee, 0n)
      expect(charged).toBeGreaterThanOrEqual(3n * FEE)
      await expect.poll(() => settledOf(wallet)).toBe(charged)
    })
  })

  it('of a sub-account that was closed since; another key goes on where the total stood', async () => {
    const payer = await newPayer(8)
    const body = bench.chat()
    expect((await payer.post(most(body))).status).toBe(200)
    // Who asks for money back is settled at once: after the lock time nothing could be claimed.
    const settled = async () => {
      await expect.poll(() => settledOf(payer.wallet)).toBe(FEE)
      // What is asked back pays for nothing more, whatever is signed.
      expect((await payer.post(10n * most(body))).code).toBe('balance_insufficient')
    }
    await slowly(bench.world, () => closeAccount(bench.world, payer.wallet, settled))
    const gone = await payer.post(10n * most(body))
    expect(gone).toMatchObject({ status: 402, code: 'account_missing' })
    await openAccount(bench.world, payer.wallet)
    expect(await payer.post(10n * most(body))).toMatchObject({ status: 403, code: 'session_void' })
    const anew = payerOf(payer.wallet, await delegate(bench.world, payer.wallet))
    expect((await anew.post(most(body))).code).toBe('voucher_insufficient')
    expect((await anew.post(FEE + most(body))).status).toBe(200)
    await bench.broker.settler.settleNow()
    expect(await settledOf(payer.wallet)).toBe(2n * FEE)
  })
})

describe('with a credit line', () => {
  it('a payer who signs nothing costs at most the line', async () => {
    const { world } = bench
    const credit = 2n * most(bench.chat())
    const operator = world.anvil.wallets[8] as HDNodeWallet
    const broker = await world.startBroker(bench.engine, {
      ...withoutTee(operator),
      operator,
      credit,
      // Has no effect here: what answers 400 and a text would leave a payer without the figures.
      errorStyle: 'compat',
      dataDir: join(world.dir, 'credit'),
    })
    const wallet = world.anvil.wallets[9] as HDNodeWallet
    await openAccount({ ...world, provider: operator }, wallet)
    const authorization = `Bearer ${await tokenOf(wallet, broker.provider)}`
    const post = async (headers = {}) => {
      const response = await fetch(broker.url + CHAT, {
        method: 'POST',
        headers: { authorization, ...headers },
        body: bench.chat(),
      })
      return { status: response.status, code: (await response.json()).error?.code }
    }
    let served = 0n
    let last = await post()
    for (; last.status === 200; last = await post()) served++
    expect(last.code).toBe('voucher_missing')
    expect(served * FEE).toBeLessThanOrEqual(credit)
    expect((served + 1n) * FEE + most(bench.chat())).toBeGreaterThan(credit)
    const { waiting, paid } = await broker.settler.settleNow()
    expect(paid).toBe(0n)
    expect(waiting).toEqual([{ user: wallet.address.toLowerCase(), reason: 'voucher_missing' }])
    // One voucher pays for everything, and the line is there again.
    const session = await delegate({ ...world, provider: operator }, wallet)
    expect((await post(session.voucher(served * FEE))).status).toBe(200)
    await broker.settler.settleNow()
    const { settled } = await readSettled(world.inference, wallet.address as Address, broker.provider)
    expect(settled).toBe(served * FEE)
  })
})

describe('on contracts that know no vouchers', () => {
  it('a broker without a TEE does not start', async () => {
    const world = await startWorld('theirs')
    try {
      await expect(world.startBroker(bench.engine, withoutTee())).rejects.toMatchObject({
        code: 'vouchers_unsupported',
        exitCode: 20,
      })
    } finally {
      await world.stop()
    }
  })
})

describe('an account that batches of an enclave took from', () => {
  it('is not served: the contract takes no vouchers for it', async () => {
    const { world, engine } = bench
    const operator = world.anvil.wallets[7] as HDNodeWallet
    const wallet = world.anvil.wallets[5] as HDNodeWallet
    const post = async (url: string, headers = {}) => {
      const authorization = `Bearer ${await tokenOf(wallet, operator.address)}`
      const response = await fetch(url + CHAT, {
        method: 'POST',
        headers: { authorization, ...headers },
        body: bench.chat(),
      })
      return { status: response.status, code: (await response.json()).error?.code }
    }
    const enclave = await world.startBroker(engine, { operator, dataDir: join(world.dir, 'enclave') })
    await openAccount({ ...world, provider: operator }, wallet, ONE_0G, world.tee.signer)
    expect(await post(enclave.url)).toMatchObject({ status: 200 })
    expect((await enclave.settler.settleNow()).paid).toBe(FEE)
    await enclave.stop()
    const plain = await world.startBroker(engine, {
      ...withoutTee(operator),
      operator,
      dataDir: join(world.dir, 'plain'),
    })
    // Its ledger is new and the provider is not: no number stands on two receipts.
    expect((await plain.control.status()).epoch).toBe(1)
    const session = await delegate({ ...world, provider: operator }, wallet)
    expect(await post(plain.url, session.voucher(10n * most(bench.chat())))).toMatchObject({
      status: 403,
      code: 'account_settled_by_batches',
    })
  })
})
