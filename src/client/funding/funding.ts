import type { TransactionReceipt } from 'ethers'
import { isUnattested } from '../../attestation/signers.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { Mutex, type Turn } from '../../base/mutex.ts'
import { format0G } from '../../base/units.ts'
import { readSettled } from '../../chain/batches.ts'
import { findAccount, findService, freeBalance } from '../../chain/inference.ts'
import { findLedger, readMinimums } from '../../chain/ledger.ts'
import { type PreparedTransaction, prepare, send } from '../../chain/transaction.ts'
import { requireAccount, type Session } from '../session.ts'
import { signerUnchecked } from '../vouchers/errors.ts'
import { hasAdditions } from './additions.ts'
import {
  type FundingContracts,
  type FundingPlan,
  type FundingState,
  type FundingStep,
  planDeposit,
  planProvider,
  withStep,
} from './fundingPlan.ts'

/** Named where none may be acknowledged: the contract refuses it if there is one. */
const NO_SIGNER: Address = `0x${'0'.repeat(40)}`

/** Said and asked while money moves. Nothing moves without `approve`. */
export interface FundingHooks {
  /** Whether to carry the plan out. Without it, or when it answers false, nothing is sent. */
  readonly approve?: (plan: FundingPlan) => Promise<boolean> | boolean
  /** Before each transaction. */
  readonly onStep?: (step: FundingStep, prepared: PreparedTransaction) => void
  readonly onMined?: (step: FundingStep, receipt: TransactionReceipt) => void
  /** Once aborted nothing more is sent; what was sent before is waited for. */
  readonly signal?: AbortSignal
}

export interface FundingResult {
  readonly plan: FundingPlan
  readonly transactions: readonly {
    readonly title: string
    readonly txHash: string
    readonly gasCost: bigint
  }[]
}

export interface EnsureOptions {
  /** Transferred beyond the need, when something has to be transferred at all. */
  readonly headroomPercent?: bigint
  /** The signer that was checked: another one is not acknowledged. Default: the one on chain. */
  readonly signer?: Address
  /**
   * One more transaction that may be needed.
   * @param free neuron that lie at the provider after the others
   * @param opens whether one of them opens the sub-account
   */
  readonly delegate?: (free: bigint, opens: boolean) => Promise<FundingStep | null>
}

/**
 * Moves money towards providers. One at a time: of calls made together, the first does the work and the others
 * find it done. So do those of other processes, where the session names a turn that they share.
 */
export class Funding {
  readonly #session: Session
  readonly #turn: Turn

  constructor(session: Session) {
    this.#session = session
    this.#turn = session.turn ?? new Mutex()
  }

  /**
   * Makes sure that `needed()` neuron are free at a provider and its signer is acknowledged. The need is asked
   * for when it is this call's turn, so that it can include what others have added meanwhile.
   * @throws AppError `funding_needed` without approval, `insufficient_funds`, `transaction_reverted`,
   * `transaction_unknown`
   */
  ensure(
    provider: Address,
    needed: () => bigint,
    hooks: FundingHooks,
    options: EnsureOptions = {},
  ): Promise<FundingResult> {
    return this.#turn.run(async () => {
      return this.#execute(await this.#planFor(provider, needed, options), hooks)
    }, hooks.signal)
  }

  /** What `ensure` would send. */
  plan(provider: Address, needed: bigint, options: EnsureOptions = {}): Promise<FundingPlan> {
    return this.#planFor(provider, () => needed, options)
  }

  async #planFor(provider: Address, need: () => bigint, options: EnsureOptions): Promise<FundingPlan> {
    const { delegate } = options
    const state = await this.state(provider)
    const contracts = await this.#contracts(
      provider,
      options.signer ?? (await this.#noSigner(state, provider)),
    )
    const plan = withRoom(state, contracts, provider, need(), options)
    const free = (state.account ? freeBalance(state.account) : 0n) + plan.transfer
    const step = await delegate?.(free, state.account === null)
    return step ? withStep(plan, step, state) : plan
  }

  /**
   * Who pays by vouchers has checked no signer: one that the provider has named since is not acknowledged by the way.
   * @throws AppError `signer_unchecked`
   */
  async #noSigner({ account }: FundingState, provider: Address): Promise<Address | undefined> {
    const { vouchers, network, inference } = this.#session
    if (account?.acknowledged || !(await hasAdditions(inference))) return undefined
    const user = requireAccount(this.#session).address
    const owner = { chainId: network.chainId, contract: network.inference, user, provider }
    const paysByVouchers =
      (await vouchers?.read(owner)) || (await readSettled(inference, user, provider)).mode === 'voucher'
    if (!paysByVouchers) return undefined
    const service = await findService(inference, provider)
    if (service && !isUnattested(service)) throw signerUnchecked(provider)
    return NO_SIGNER
  }

  /** What `deposit` would send. */
  async planDeposit(amount: bigint): Promise<FundingPlan> {
    return planDeposit(await this.state(null), await this.#contracts(null, undefined), amount)
  }

  /** Deposits into the ledger. @throws AppError `deposit_too_small` and those of `ensure` */
  deposit(amount: bigint, hooks: FundingHooks): Promise<FundingResult> {
    return this.#turn.run(async () => this.#execute(await this.planDeposit(amount), hooks), hooks.signal)
  }

  /** What the chain says, read together. */
  async state(provider: Address | null): Promise<FundingState> {
    const { rpc, ledger, inference } = this.#session
    const { address } = requireAccount(this.#session)
    const [wallet, record, minimums, account, fees] = await Promise.all([
      rpc.getBalance(address),
      findLedger(ledger, address),
      readMinimums(ledger),
      provider === null ? null : findAccount(inference, address, provider),
      rpc.getFeeData(),
    ])
    return { wallet, ledger: record, minimums, account, gasPrice: fees.maxFeePerGas ?? fees.gasPrice ?? 0n }
  }

  async #contracts(provider: Address | null, signer: Address | undefined): Promise<FundingContracts> {
    const { ledger, inference } = this.#session
    const [info, additions] = await Promise.all([
      ledger.getFunction('getServiceInfo').staticCall(inference.target),
      hasAdditions(inference),
    ])
    const registered = async () => provider && (await findService(inference, provider))?.teeSignerAddress
    const onboards = additions && provider ? (signer ?? (await registered()) ?? null) : null
    return { ledger, inference, serviceName: info.fullName, onboards }
  }

  async #execute(plan: FundingPlan, hooks: FundingHooks): Promise<FundingResult> {
    if (plan.steps.length === 0) return { plan, transactions: [] }
    hooks.signal?.throwIfAborted()
    if (!(await hooks.approve?.(plan))) throw fundingNeeded(plan)
    const signer = await requireAccount(this.#session).signer(this.#session.rpc)
    const transactions: FundingResult['transactions'][number][] = []
    for (const step of plan.steps) {
      hooks.signal?.throwIfAborted()
      const contract = step.call.contract.connect(signer) as typeof step.call.contract
      const prepared = await prepare(signer, { ...step.call, contract })
      hooks.onStep?.(step, prepared)
      const receipt = await send(signer, prepared)
      hooks.onMined?.(step, receipt)
      transactions.push({ title: step.title, txHash: receipt.hash, gasCost: receipt.fee })
    }
    return { plan, transactions }
  }
}

function withRoom(
  state: FundingState,
  contracts: FundingContracts,
  provider: Address,
  needed: bigint,
  { headroomPercent = 0n }: EnsureOptions,
): FundingPlan {
  const least = planProvider(state, contracts, provider, needed)
  if (least.transfer === 0n) return least
  const wished = (needed * (100n + headroomPercent)) / 100n
  return withHeadroom(least, () => planProvider(state, contracts, provider, wished))
}

/** The plan with head-room, or the plain one where the wallet cannot pay for more. */
function withHeadroom(plain: FundingPlan, roomy: () => FundingPlan): FundingPlan {
  try {
    return roomy()
  } catch {
    return plain
  }
}

const fundingNeeded = (plan: FundingPlan): AppError =>
  new AppError({
    code: 'funding_needed',
    message: `The provider needs ${format0G(plan.transfer)} 0G more, of which ${format0G(plan.deposit)} 0G from the wallet`,
    hint: 'Nothing was sent. Approve the plan, or fund the provider yourself',
    next: `0g-compute fund ${format0G(plan.transfer)}${plan.provider ? ` --provider ${plan.provider}` : ''}`,
    exitCode: EXIT.noFunds,
    status: 402,
    details: { transfer: plan.transfer.toString(), deposit: plan.deposit.toString() },
  })
