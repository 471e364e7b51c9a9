import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../src/base/errors.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { BuyerSession } from '../../../src/client/session.ts'
import { claimedIn } from '../../../src/client/vouchers/claimed.ts'
import { VoucherBook } from '../../../src/client/vouchers/voucherBook.ts'
import { memoryVoucherStore, type VoucherStore } from '../../../src/client/vouchers/voucherStore.ts'
import { Vouchers } from '../../../src/client/vouchers/vouchers.ts'
import { signVoucher } from '../../../src/protocol/voucher.ts'

const OWNER = {
  chainId: 31337,
  contract: '0x47340d900bdFec2BD393c626E12ea0656F938d84',
  user: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
} as const

let store: VoucherStore
let book: VoucherBook
let now: number

beforeEach(async () => {
  store = memoryVoucherStore()
  now = Date.now()
  book = new VoucherBook(store, OWNER, {
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    now: () => now,
  })
  await book.open(100n)
})

const state = async () => (await book.read())!
const receipt = (fee: bigint, cumulative: bigint) => ({ fee, cumulative })

describe('what is signed', () => {
  it('begins where the chain stands, and is not raised by what the provider takes there later', async () => {
    expect(await state()).toMatchObject({ verified: 100n, signed: 100n, cap: 0n })
    await book.open(150n)
    expect((await state()).verified).toBe(100n)
  })

  it('is what was checked and what is under way', async () => {
    const first = await book.pledge(10n)
    const second = await book.pledge(20n)
    expect([first.total, second.total]).toEqual([110n, 130n])
    await book.pay(first.id, 'a', receipt(4n, 104n))
    expect((await book.pledge(5n)).total).toBe(104n + 20n + 5n)
    await book.drop(second.id)
    expect(await state()).toMatchObject({ verified: 104n, signed: 130n })
  })

  it('counts an answer that was joined once', async () => {
    const [first, second] = [await book.pledge(10n), await book.pledge(10n)]
    await book.pay(first.id, 'a', receipt(4n, 104n))
    await book.pay(second.id, 'a', receipt(4n, 104n))
    expect(await state()).toMatchObject({ verified: 104n, pledges: [] })
  })

  it('is not for what a provider says that was charged, unless lost requests can have cost it', async () => {
    expect(await book.explain(100n)).not.toBeNull()
    expect(await book.explain(101n)).toBeNull()
    const { id } = await book.pledge(10n)
    expect(await book.explain(105n)).toBeNull()
    await book.lose(id)
    expect(await book.explain(111n)).toBeNull()
    expect(await state()).toMatchObject({ verified: 100n })
    expect(await book.explain(107n)).toMatchObject({ verified: 107n, pledges: [{ id, amount: 3n }] })
    expect(await book.explain(111n)).toBeNull()
    expect(await book.explain(110n)).toMatchObject({ verified: 110n, pledges: [] })
    expect(await book.explain(111n)).toBeNull()
  })

  it('is for a lost request too that is charged after another one', async () => {
    const lost = [await book.pledge(10n), await book.pledge(20n)]
    for (const { id } of lost) await book.lose(id)
    expect(await book.explain(104n)).toMatchObject({ verified: 104n })
    const next = await book.pledge(5n)
    await book.pay(next.id, 'a', receipt(3n, 107n))
    expect(await book.explain(119n)).toMatchObject({ verified: 119n })
    expect(await book.explain(134n)).toBeNull()
  })

  it('learns what lost requests cost from the next receipts, and forgets them after an hour', async () => {
    const lost = await book.pledge(10n)
    await book.lose(lost.id)
    const next = await book.pledge(5n)
    await book.pay(next.id, 'b', receipt(3n, 106n))
    expect(await state()).toMatchObject({ verified: 106n, pledges: [{ id: lost.id, amount: 7n }] })
    const free = await book.pledge(10n)
    await book.lose(free.id)
    const early = await book.pledge(5n)
    await book.pay(early.id, 'c', receipt(1n, 107n))
    // It may still run there, and be charged when it ends.
    expect(await book.explain(109n)).toMatchObject({ verified: 109n })
    const never = await book.pledge(10n)
    await book.lose(never.id)
    now += 61 * 60 * 1000
    const last = await book.pledge(5n)
    await book.pay(last.id, 'd', receipt(1n, 110n))
    expect(await state()).toMatchObject({ verified: 110n, pledges: [] })
    expect(await book.explain(111n)).toBeNull()
  })

  it('takes requests of a process that died for lost ones', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    // The second had our own id, as in a container every process has.
    const dead = [
      { pid, began: 0 },
      { pid: process.pid, began: 1 },
    ]
    for (const [i, one] of dead.entries()) {
      const verified = 100n + 10n * BigInt(i)
      const pledges = [{ id: 'x', amount: 10n, at: now, ...one }]
      await store.change(OWNER, (before) => ({ ...before!, signed: verified + 10n, pledges }))
      const own = await book.pledge(5n)
      expect(own.total).toBe(verified + 5n)
      await book.drop(own.id)
      expect(await book.explain(verified + 10n)).toMatchObject({ verified: verified + 10n })
    }
  })
})

it('nothing is signed beyond the cap of the key', async () => {
  const runtime = nodeRuntime()
  const session = {
    network: { chainId: OWNER.chainId, inference: OWNER.contract },
    runtime,
    vouchers: store,
    account: { address: OWNER.user },
  } as unknown as BuyerSession
  const vouchers = new Vouchers(session)
  await book.delegated(109n, 2_000_000_000)
  await expect(vouchers.pledge(OWNER.provider, 10n)).rejects.toMatchObject({ code: 'voucher_cap_reached' })
  expect(await state()).toMatchObject({ pledges: [] })
  const { header } = (await vouchers.pledge(OWNER.provider, 9n))!
  expect(header).toMatch(/^v1,109,0x[0-9a-f]{130}$/)
  await runtime.close()
})

it('a key that was given up says no more than this client knows that it signed', async () => {
  const runtime = nodeRuntime()
  // On chain it is this payer's still.
  const getFunction = () => ({ staticCall: async () => [OWNER.user, 10n ** 18n, 2_000_000_000n] })
  const session = {
    network: { chainId: OWNER.chainId, inference: OWNER.contract },
    runtime,
    vouchers: store,
    account: { address: OWNER.user },
    connected: async () => ({ inference: { getFunction } }),
  } as unknown as BuyerSession
  const vouchers = new Vouchers(session)
  const { id } = await book.pledge(10n)
  await book.drop(id)
  const { key } = await state()
  await book.renew()
  const shown = (cumulative: bigint, by: Uint8Array) => {
    const { chainId, contract, provider } = OWNER
    const signature = signVoucher(by, chainId, contract, { provider, cumulative })
    const details = { charged: '105', amount: '1', vouchers: [{ cumulative: `${cumulative}`, signature }] }
    return vouchers.explain(provider, new AppError({ code: 'voucher_insufficient', message: '', details }))
  }
  await expect(shown(110n, key)).rejects.toMatchObject({ code: 'voucher_unexplained' })
  await expect(shown(110n, (await state()).key)).rejects.toMatchObject({ code: 'voucher_unexplained' })
  // What an older copy of the file does not know of, it believes.
  expect(await shown(111n, key)).toBe(1n)
  expect(await state()).toMatchObject({ verified: 105n })
  await runtime.close()
})

describe('what a broker says of a voucher that is too low', () => {
  const claimed = (details: Record<string, unknown>) =>
    claimedIn(new AppError({ code: 'voucher_insufficient', message: '', details }))

  it('is read as far as it has the form', () => {
    const signature = `0x${'1b'.repeat(65)}`
    const vouchers = [
      { cumulative: '9', signature },
      { cumulative: '-1', signature },
      null,
      { cumulative: '9' },
    ]
    expect(claimed({ charged: '7', amount: '2', vouchers })).toEqual({
      charged: 7n,
      amount: 2n,
      vouchers: [{ cumulative: 9n, signature }],
    })
    expect(claimed({ charged: '7', amount: '2', vouchers: 'none' })?.vouchers).toEqual([])
  })

  it.each([{}, { charged: 7, amount: '2' }, { charged: '7' }, { charged: '1e9', amount: '2' }])(
    'is nothing where it has not: %j',
    (details) => {
      expect(claimed(details)).toBeNull()
    },
  )
})
