import { VoidSigner } from 'ethers'
import { describe, expect, it } from 'vitest'
import { AppError, EXIT } from '../../../src/base/errors.ts'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Account } from '../../../src/chain/inference.ts'
import { inferenceContract } from '../../../src/chain/inference.ts'
import { ledgerContract } from '../../../src/chain/ledger.ts'
import { type FundingState, planDeposit, planProvider } from '../../../src/client/funding/fundingPlan.ts'

const USER: Address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const PROVIDER: Address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const CONTRACTS = {
  ledger: ledgerContract(PROVIDER, new VoidSigner(USER)),
  inference: inferenceContract(PROVIDER, new VoidSigner(USER)),
  serviceName: 'inference-v1.0',
  onboards: null,
}

/** The live network's minimums. */
const LIVE: FundingState = {
  wallet: 100n * ONE_0G,
  ledger: null,
  minimums: { deposit: 3n * ONE_0G, transfer: ONE_0G },
  account: null,
  gasPrice: 10n ** 9n,
}

const accountWith = (changes: Partial<Account>): Account => ({
  user: USER,
  provider: PROVIDER,
  nonce: 0n,
  balance: 0n,
  pendingRefund: 0n,
  refunds: [],
  acknowledged: true,
  generation: 0,
  revokedBitmap: 0n,
  ...changes,
})

const ledgerWith = (available: bigint) => ({ user: USER, available, total: available })

const plan = (state: Partial<FundingState>, needed: bigint) => {
  const { steps, deposit, transfer, maxGasCost } = planProvider(
    { ...LIVE, ...state },
    CONTRACTS,
    PROVIDER,
    needed,
  )
  return { steps: steps.map(({ kind }) => kind), deposit, transfer, maxGasCost }
}

describe('planProvider', () => {
  it('is one transaction where the contracts have it, and there names the signer', () => {
    const minimums = { deposit: 1n, transfer: 1n }
    const contracts = { ...CONTRACTS, onboards: USER }
    const onboarding = (state: Partial<FundingState>) =>
      planProvider({ ...LIVE, minimums, ...state }, contracts, PROVIDER, 5n)
    const fresh = onboarding({})
    expect(fresh.steps.map(({ kind, value }) => [kind, value])).toEqual([['onboard', 5n]])
    expect(fresh.steps[0]!.call.args).toEqual([PROVIDER, PROVIDER, USER, 5n])
    expect(onboarding({ ledger: ledgerWith(9n) })).toMatchObject({
      deposit: 0n,
      transfer: 5n,
      steps: [{ value: 0n }],
    })
    const account = accountWith({ balance: 2n, acknowledged: false })
    expect(onboarding({ account }).steps.map(({ kind }) => kind)).toEqual(['onboard'])
    // What is on its way back is used first, which only the deployed way does.
    const leaving = accountWith({ balance: 3n, pendingRefund: 3n })
    expect(onboarding({ ledger: ledgerWith(9n), account: leaving }).steps.map(({ kind }) => kind)).toEqual([
      'transfer',
    ])
    // A plain transfer needs no more than the ledger's own.
    const topUp = onboarding({ ledger: ledgerWith(9n), account: accountWith({ balance: 2n }) })
    expect(topUp.steps.map(({ kind }) => kind)).toEqual(['transfer'])
  })

  it('respects both minimums for a new user', () => {
    expect(plan({}, 5n)).toMatchObject({
      steps: ['deposit', 'transfer'],
      deposit: 3n * ONE_0G,
      transfer: ONE_0G,
    })
  })

  it('takes the exact need where there are no minimums', () => {
    const minimums = { deposit: 0n, transfer: 0n }
    expect(plan({ minimums }, 5n)).toMatchObject({ deposit: 5n, transfer: 5n })
  })

  it('deposits only what the ledger lacks', () => {
    expect(plan({ ledger: ledgerWith(ONE_0G) }, 3n * ONE_0G)).toMatchObject({
      steps: ['deposit', 'transfer'],
      deposit: 2n * ONE_0G,
      transfer: 3n * ONE_0G,
    })
    expect(plan({ ledger: ledgerWith(3n * ONE_0G) }, 3n * ONE_0G).steps).toEqual(['transfer'])
  })

  it('tops an account up by what is missing, and does nothing when nothing is', () => {
    const ledger = ledgerWith(10n)
    expect(plan({ ledger, account: accountWith({ balance: 7n }) }, 9n)).toMatchObject({
      steps: ['transfer'],
      transfer: 2n,
    })
    expect(plan({ ledger, account: accountWith({ balance: 9n }) }, 9n).steps).toEqual([])
  })

  it('takes money back that is on its way before it asks for more', () => {
    const account = accountWith({ balance: 10n, pendingRefund: 8n })
    expect(plan({ ledger: ledgerWith(0n), account }, 6n)).toMatchObject({
      steps: ['transfer'],
      deposit: 0n,
      transfer: 4n,
    })
    expect(plan({ ledger: ledgerWith(0n), account }, 12n)).toMatchObject({
      steps: ['deposit', 'transfer'],
      deposit: 2n,
      transfer: 10n,
    })
  })

  it('acknowledges where the account has not', () => {
    const account = accountWith({ balance: 9n, acknowledged: false })
    expect(plan({ account }, 5n).steps).toEqual(['acknowledge'])
  })

  it('names the exact shortfall of the wallet, gas included', () => {
    const minimums = { deposit: 0n, transfer: 0n }
    const { maxGasCost } = plan({ minimums }, ONE_0G)
    const wallet = ONE_0G + maxGasCost
    expect(plan({ minimums, wallet }, ONE_0G).deposit).toBe(ONE_0G)
    const error = failure(() => plan({ minimums, wallet: wallet - 1n }, ONE_0G))
    expect(error.code).toBe('insufficient_funds')
    expect(error.exitCode).toBe(EXIT.noFunds)
    expect(error.details).toMatchObject({ shortfall: '1', deposit: ONE_0G.toString() })
  })
})

describe('planDeposit', () => {
  it('refuses less than a new ledger takes, and names the minimum', () => {
    const error = failure(() => planDeposit(LIVE, CONTRACTS, ONE_0G))
    expect([error.code, error.details?.minimum, error.next]).toEqual([
      'deposit_too_small',
      (3n * ONE_0G).toString(),
      '0g-compute fund 3',
    ])
  })

  it('takes any amount for a ledger that exists', () => {
    expect(planDeposit({ ...LIVE, ledger: ledgerWith(0n) }, CONTRACTS, 1n).deposit).toBe(1n)
  })
})

function failure(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing failed')
}
