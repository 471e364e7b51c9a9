import { larger, smaller } from '../../base/bigint.ts'
import { hexToBytes } from '../../base/hex.ts'
import { isAlive } from '../../base/isAlive.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { addressOf } from '../../protocol/signature.ts'
import type { Runtime } from '../runtime.ts'
import type { Pledge, VoucherOwner, VoucherState, VoucherStore } from './voucherStore.ts'

/** After this long nobody charges any more for a request that was lost, ms. */
const LOST_MS = 60 * 60 * 1000
/** Answers that are remembered, so that one that was joined is counted once. */
const MAX_COUNTED = 200

/** What one payer signed for one provider. Amounts in neuron. */
export class VoucherBook {
  readonly #store: VoucherStore
  readonly #owner: VoucherOwner
  readonly #runtime: Pick<Runtime, 'randomHex' | 'now'>

  constructor(store: VoucherStore, owner: VoucherOwner, runtime: Pick<Runtime, 'randomHex' | 'now'>) {
    this.#store = store
    this.#owner = owner
    this.#runtime = runtime
  }

  read(): Promise<VoucherState | null> {
    return this.#store.read(this.#owner)
  }

  /** What is there, or the beginning: a new key, and what the chain took before. Later what it takes proves nothing. */
  open(settled: bigint): Promise<VoucherState> {
    return this.#store.change(this.#owner, (state) => {
      if (state) return state
      return {
        key: this.#newKey(),
        former: [],
        cap: 0n,
        expiry: 0,
        verified: settled,
        signed: settled,
        pledges: [],
        counted: [],
      }
    })
  }

  /** Another key, which is not delegated yet: the one before was ended, expired, or closed with the account. */
  renew(): Promise<VoucherState> {
    return this.#change((state) => {
      const former = [...state.former, addressOf(state.key)]
      return { ...state, key: this.#newKey(), former, cap: 0n, expiry: 0 }
    })
  }

  /** As the chain has it. */
  delegated(cap: bigint, expiry: number): Promise<VoucherState> {
    return this.#change((state) => ({ ...state, cap, expiry }))
  }

  /**
   * Notes the most that a request can cost, before anything is signed for it.
   * @returns the total to sign: everything that was checked, and everything under way
   */
  async pledge(
    amount: bigint,
  ): Promise<{ readonly id: string; readonly total: bigint; readonly state: VoucherState }> {
    const [id, at] = [this.#runtime.randomHex(8), this.#runtime.now()]
    const pledge: Pledge = { id, amount, at, pid: ownPid(), began: OWN_BEGIN }
    const state = await this.#change((before) => {
      const pledges = [...before.pledges, pledge]
      return { ...before, pledges, signed: larger(before.signed, totalOf({ ...before, pledges })) }
    })
    return { id: pledge.id, total: totalOf(state), state }
  }

  /**
   * The answer was checked: it cost this much.
   * @param receipt with what the provider says was charged in all, which tells what lost requests cost
   */
  async pay(
    id: string,
    answer: string,
    { fee, cumulative }: Pick<Receipt, 'fee' | 'cumulative'>,
  ): Promise<void> {
    const oldest = this.#runtime.now() - LOST_MS
    await this.#change((state) => {
      const pledges = state.pledges.filter((pledge) => pledge.id !== id)
      if (state.counted.includes(answer)) return { ...state, pledges }
      const counted = [...state.counted, answer].slice(-MAX_COUNTED)
      const paid = { ...state, pledges, counted, verified: state.verified + fee }
      // While others are under way the total may be of them too.
      if (!pledges.every(isLost)) return paid
      // A lost request may still run: its charge comes later.
      if (cumulative <= paid.verified) return { ...paid, pledges: pledges.filter(({ at }) => at > oldest) }
      return explained(paid, cumulative) ?? paid
    })
  }

  /** Nothing is owed for it: it was refused, or its answer is not what was asked for. */
  async drop(id: string): Promise<void> {
    await this.#change((state) => ({ ...state, pledges: state.pledges.filter((pledge) => pledge.id !== id) }))
  }

  /** What it cost is not known: it ended without a receipt. The provider may say, up to what was signed for it. */
  async lose(id: string): Promise<void> {
    await this.#change((state) => ({
      ...state,
      pledges: state.pledges.map((pledge) => (pledge.id === id ? { ...pledge, pid: null } : pledge)),
    }))
  }

  /**
   * The provider says that so much was charged in all.
   * @returns the state, in which that is explained by requests whose price was not known; null where it is not
   */
  async explain(charged: bigint): Promise<VoucherState | null> {
    let isExplained = true
    const state = await this.#change((before) => {
      if (charged <= before.verified) return before
      const after = explained(before, charged)
      isExplained = after !== null
      return after ?? before
    })
    return isExplained ? state : null
  }

  /** Another key of this payer signed for that total: what it pays for was checked elsewhere. */
  adopt(charged: bigint): Promise<VoucherState> {
    return this.#change((state) => ({ ...state, verified: larger(state.verified, charged) }))
  }

  #change(change: (state: VoucherState) => VoucherState): Promise<VoucherState> {
    return this.#store.change(this.#owner, (state) => {
      if (!state) throw new Error('the vouchers of this provider vanished')
      return change(state)
    })
  }

  #newKey = () => hexToBytes(this.#runtime.randomHex(32))
}

/** The state once lost requests have cost what is missing up to a total; null where they cannot have cost so much. */
function explained(state: VoucherState, charged: bigint): VoucherState | null {
  const missing = charged - state.verified
  if (missing < 0n || missing > sum(state.pledges.filter(isLost)) || charged > state.signed) return null
  return { ...state, verified: charged, pledges: lessLost(state.pledges, missing) }
}

/** What is left of the lost ones stays: another of them may still run there, or wait for a broker that crashed. */
function lessLost(pledges: readonly Pledge[], cost: bigint): Pledge[] {
  let left = cost
  return pledges.flatMap((pledge) => {
    const amount = isLost(pledge) ? pledge.amount - smaller(left, pledge.amount) : pledge.amount
    left -= pledge.amount - amount
    return amount > 0n ? [{ ...pledge, amount }] : []
  })
}

/** The least total that pays for everything checked and everything under way. */
export const totalOf = ({ verified, pledges }: Pick<VoucherState, 'verified' | 'pledges'>): bigint =>
  verified + sum(pledges.filter((pledge) => !isLost(pledge)))

const sum = (pledges: readonly Pledge[]): bigint => pledges.reduce((total, { amount }) => total + amount, 0n)

/** Nobody waits for it any more: its process ended, or gave it up. */
const isLost = ({ pid, began }: Pledge): boolean =>
  pid === null || (pid === ownPid() ? began !== OWN_BEGIN : !isAlive(pid))

/** A page in a browser has none, and nobody beside it. */
const ownPid = (): number => globalThis.process?.pid ?? 0

const OWN_BEGIN = Math.round(performance.timeOrigin)
