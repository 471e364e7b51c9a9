import type { Contract } from 'ethers'
import { larger, smaller } from '../../base/bigint.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { type Account, freeBalance } from '../../chain/inference.ts'
import type { LedgerMinimums, LedgerRecord } from '../../chain/ledger.ts'
import type { TransactionCall } from '../../chain/transaction.ts'

/** A transaction of a plan, not yet sent. */
export interface FundingStep {
  readonly kind: 'deposit' | 'transfer' | 'acknowledge' | 'onboard' | 'delegate'
  /** For people. */
  readonly title: string
  /** Leaves the wallet, neuron. */
  readonly value: bigint
  readonly call: TransactionCall
}

/** Transactions that make a provider ready to serve, in order. Amounts in neuron. */
export interface FundingPlan {
  readonly provider: Address | null
  readonly steps: readonly FundingStep[]
  /** From the wallet into the ledger. Stays the user's and can be withdrawn. */
  readonly deposit: bigint
  /** Free in the sub-account afterwards, beyond what is free now. */
  readonly transfer: bigint
  /** Most that gas can cost, all steps together. */
  readonly maxGasCost: bigint
}

/** What the chain says about a user, read together. Amounts in neuron. */
export interface FundingState {
  readonly wallet: bigint
  readonly ledger: LedgerRecord | null
  readonly minimums: LedgerMinimums
  /** Of the sub-account at the provider; null where there is none. */
  readonly account: Account | null
  /** Neuron per unit of gas. */
  readonly gasPrice: bigint
}

export interface FundingContracts {
  readonly ledger: Contract
  readonly inference: Contract
  /** The ledger's name of the inference service. */
  readonly serviceName: string
  /** The provider's signer, where all of a plan can be one transaction that names it; null elsewhere. */
  readonly onboards: Address | null
}

/** Gas that each kind takes at most, with room: later steps cannot be simulated before the first is mined. */
const GAS: Record<FundingStep['kind'], bigint> = {
  deposit: 250_000n,
  transfer: 600_000n,
  acknowledge: 150_000n,
  onboard: 750_000n,
  delegate: 150_000n,
}

/**
 * Plans what is missing until `needed` neuron are free at a provider. No step when nothing is missing.
 * @throws AppError `insufficient_funds` with the exact shortfall when the wallet cannot pay the plan
 */
export function planProvider(
  state: FundingState,
  contracts: FundingContracts,
  provider: Address,
  needed: bigint,
): FundingPlan {
  const transfer = transferFor(state, needed)
  const { account } = state
  const acknowledges = account !== null && !account.acknowledged && !hasNoSigner(contracts)
  const isBare = (account?.pendingRefund ?? 0n) === 0n
  if (
    contracts.onboards !== null &&
    isBare &&
    transfer > 0n &&
    (account === null || acknowledges || transfer > available(state))
  ) {
    return planOnboarding(state, contracts, provider, contracts.onboards, transfer)
  }
  const fromLedger = transfer - pendingUsed(account, transfer)
  const deposit = depositFor(state, fromLedger)
  const steps = [
    ...(deposit > 0n ? [depositStep(contracts, deposit)] : []),
    ...(transfer > 0n ? [transferStep(contracts, provider, transfer)] : []),
    ...(acknowledges ? [acknowledgeStep(contracts, provider)] : []),
  ]
  return affordable({ provider, steps, deposit, transfer, maxGasCost: gasOf(steps, state.gasPrice) }, state)
}

/** A provider without a TEE has none to acknowledge. */
const hasNoSigner = ({ onboards }: FundingContracts): boolean => onboards !== null && BigInt(onboards) === 0n

/** The plan with one more transaction at its end. */
export const withStep = (plan: FundingPlan, step: FundingStep, state: FundingState): FundingPlan =>
  affordable(
    { ...plan, steps: [...plan.steps, step], maxGasCost: plan.maxGasCost + GAS[step.kind] * state.gasPrice },
    state,
  )

/** Deposit, sub-account and acknowledgement in one transaction. */
function planOnboarding(
  state: FundingState,
  contracts: FundingContracts,
  provider: Address,
  signer: Address,
  transfer: bigint,
): FundingPlan {
  const deposit = depositFor(state, transfer)
  const steps = [onboardStep(contracts, provider, signer, transfer, deposit)]
  return affordable({ provider, steps, deposit, transfer, maxGasCost: gasOf(steps, state.gasPrice) }, state)
}

/**
 * Plans a deposit into the ledger.
 * @throws AppError `deposit_too_small` below the chain's minimum for a new ledger, `insufficient_funds`
 */
export function planDeposit(state: FundingState, contracts: FundingContracts, amount: bigint): FundingPlan {
  if (!state.ledger && amount < state.minimums.deposit) throw depositTooSmall(amount, state.minimums.deposit)
  const steps = [depositStep(contracts, amount)]
  return affordable(
    { provider: null, steps, deposit: amount, transfer: 0n, maxGasCost: gasOf(steps, state.gasPrice) },
    state,
  )
}

/** What has to become free at the provider; a new sub-account has a minimum. */
function transferFor({ account, minimums }: FundingState, needed: bigint): bigint {
  if (!account) return larger(needed, minimums.transfer)
  const free = freeBalance(account)
  return needed > free ? needed - free : 0n
}

/** A transfer first takes back what is on its way to the ledger. @see contracts.md section 3, step 2 */
function pendingUsed(account: Account | null, transfer: bigint): bigint {
  const pending = account?.pendingRefund ?? 0n
  return smaller(transfer, pending)
}

function depositFor(state: FundingState, fromLedger: bigint): bigint {
  const missing = fromLedger - available(state)
  if (missing <= 0n) return 0n
  return state.ledger ? missing : larger(missing, state.minimums.deposit)
}

const available = ({ ledger }: FundingState): bigint => ledger?.available ?? 0n

const onboardStep = (
  { ledger, inference }: FundingContracts,
  provider: Address,
  signer: Address,
  amount: bigint,
  value: bigint,
): FundingStep => {
  const from = value > 0n ? `deposit ${format0G(value)} 0G and ` : ''
  const whose = BigInt(signer) === 0n ? 'no signer' : `signer ${signer}`
  const title = `${from}open your account at ${provider} with ${format0G(amount)} 0G, ${whose}`
  const args = [inference.target, provider, signer, amount]
  return { kind: 'onboard', title, value, call: { title, contract: ledger, method: 'onboard', args, value } }
}

const depositStep = ({ ledger }: FundingContracts, amount: bigint): FundingStep => {
  const title = `deposit ${format0G(amount)} 0G into your ledger`
  return {
    kind: 'deposit',
    title,
    value: amount,
    call: { title, contract: ledger, method: 'depositFund', args: [], value: amount },
  }
}

const transferStep = (contracts: FundingContracts, provider: Address, amount: bigint): FundingStep => {
  const title = `move ${format0G(amount)} 0G from your ledger to your sub-account at ${provider}`
  const args = [provider, contracts.serviceName, amount]
  return {
    kind: 'transfer',
    title,
    value: 0n,
    call: { title, contract: contracts.ledger, method: 'transferFund', args },
  }
}

const acknowledgeStep = ({ inference }: FundingContracts, provider: Address): FundingStep => {
  const title = `acknowledge the signer of ${provider}`
  const args = [provider, true]
  return {
    kind: 'acknowledge',
    title,
    value: 0n,
    call: { title, contract: inference, method: 'acknowledgeTEESigner', args },
  }
}

const gasOf = (steps: readonly FundingStep[], gasPrice: bigint): bigint =>
  steps.reduce((sum, { kind }) => sum + GAS[kind], 0n) * gasPrice

function affordable(plan: FundingPlan, { wallet }: FundingState): FundingPlan {
  const needed = plan.deposit + plan.maxGasCost
  if (plan.steps.length === 0 || wallet >= needed) return plan
  const shortfall = needed - wallet
  throw new AppError({
    code: 'insufficient_funds',
    message: `The wallet has ${format0G(wallet)} 0G; ${format0G(plan.deposit)} 0G and up to ${format0G(plan.maxGasCost)} 0G of gas are needed: ${format0G(shortfall)} 0G missing`,
    hint: `Send at least ${format0G(shortfall)} 0G to the wallet, then run the command again. Nothing was sent`,
    next: '0g-compute wallet show',
    exitCode: EXIT.noFunds,
    status: 402,
    details: {
      balance: wallet.toString(),
      deposit: plan.deposit.toString(),
      maxGasCost: plan.maxGasCost.toString(),
      shortfall: shortfall.toString(),
    },
  })
}

const depositTooSmall = (amount: bigint, minimum: bigint): AppError =>
  new AppError({
    code: 'deposit_too_small',
    message: `A new ledger takes at least ${format0G(minimum)} 0G here, ${format0G(amount)} 0G is less`,
    hint: 'What is not spent can be withdrawn. Nothing was sent',
    next: `0g-compute fund ${format0G(minimum)}`,
    exitCode: EXIT.noFunds,
    details: { minimum: minimum.toString() },
  })
