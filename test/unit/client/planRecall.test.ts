import { Contract, VoidSigner } from 'ethers'
import { describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import type { ServingContract, SubAccount } from '../../../src/chain/subAccounts.ts'
import { planRecall } from '../../../src/client/funding/planRecall.ts'

const HOUR = 3600
const NOW = 1_000_000
const service: ServingContract = {
  kind: 'inference',
  contract: new Contract(`0x${'1'.repeat(40)}`, [], new VoidSigner(`0x${'2'.repeat(40)}`)),
  name: 'inference-v1.0',
  lockTimeSeconds: HOUR,
}

/** @param refunds neuron and how long ago each was asked for, seconds */
function account(name: string, free: bigint, refunds: [bigint, number][] = []): SubAccount {
  const pendingRefund = refunds.reduce((sum, [amount]) => sum + amount, 0n)
  return {
    service,
    provider: `0x${name.repeat(40)}` as Address,
    balance: free + pendingRefund,
    pendingRefund,
    refunds: refunds.map(([amount, age]) => ({ amount, createdAt: NOW - age })),
  }
}

const planned = (accounts: SubAccount[], short: bigint, gone?: string) => {
  const isGone = ({ provider }: SubAccount) => provider[2] === gone
  const { recalls, ...rest } = planRecall(accounts, short, NOW, isGone)
  return { ...rest, recalls: recalls.map(({ account, amount }) => [account.provider[2], amount]) }
}

describe('what an amount takes from providers', () => {
  it('is asked of as few as can be, and no more than is missing', () => {
    const accounts = [account('a', 3n), account('b', 10n), account('c', 5n)]
    expect(planned(accounts, 4n)).toEqual({ recalls: [['b', 4n]], surplus: 0n, missing: 0n })
    expect(planned(accounts, 12n).recalls).toEqual([
      ['b', 10n],
      ['c', 2n],
    ])
    expect(planned(accounts, 19n).missing).toBe(1n)
  })

  it('is asked first of those who sell nothing any more', () => {
    expect(planned([account('a', 3n), account('b', 10n)], 4n, 'a').recalls).toEqual([
      ['a', 3n],
      ['b', 1n],
    ])
  })

  it('is what can be collected now, then what is on its way anyway, and only then more', () => {
    const accounts = [account('a', 9n, [[2n, HOUR]]), account('b', 9n, [[3n, 60]])]
    expect(planned(accounts, 2n)).toEqual({ recalls: [['a', 0n]], surplus: 0n, missing: 0n })
    expect(planned(accounts, 4n)).toEqual({ recalls: [['a', 0n]], surplus: 1n, missing: 0n })
    expect(planned(accounts, 6n).recalls).toEqual([['a', 1n]])
  })

  it('is not asked of who has five requests waiting: one more is refused', () => {
    const full = account(
      'a',
      9n,
      Array.from({ length: 5 }, () => [1n, 60]),
    )
    expect(planned([full], 6n).missing).toBe(1n)
    expect(planned([full, account('b', 1n)], 6n).recalls).toEqual([['b', 1n]])
  })
})
