import { larger } from '../../base/bigint.ts'
import type { AppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { addressOf } from '../../protocol/signature.ts'
import { signVoucher } from '../../protocol/voucher.ts'
import { formatVoucher, recoverVoucher, type SignedVoucher } from '../../protocol/voucherHeader.ts'
import type { Judgement } from '../answerJudge.ts'
import type { FundingStep } from '../funding/fundingPlan.ts'
import { type BuyerSession, requireAccount } from '../session.ts'
import { type Claimed, claimedIn } from './claimed.ts'
import { delegateStep } from './delegateStep.ts'
import { accountExposed, voucherCapReached, voucherUnexplained } from './errors.ts'
import { totalOf, VoucherBook } from './voucherBook.ts'
import { memoryVoucherStore, type VoucherState } from './voucherStore.ts'

/** A session key is delegated for so long, and anew when so little of that is left, seconds. */
const LASTS_SECONDS = 30 * 86_400
const RENEW_SECONDS = 7 * 86_400
/** A key may sign for so many times what lies there: a few top-ups need no further transaction for it. */
const CAP_TIMES = 4n
const GWEI = 10n ** 9n

/** What goes with one request, and what becomes of it. */
export interface VoucherPledge {
  /** Value of the header `zg-voucher`. */
  readonly header: string
  /** The request was not answered. @param isRefused the provider said so: then nothing is owed for it */
  failed(isRefused: boolean): Promise<void>
  /** The answer was judged. */
  judged(judgement: Judgement, answer: string): Promise<void>
}

/** Pays providers without a TEE: nothing is signed but for what was checked here, and for what is under way. */
export class Vouchers {
  readonly #session: BuyerSession

  constructor(session: BuyerSession) {
    this.#session = session
  }

  /** Whether the session key, as far as is known here, may sign for so much more, and for long enough. */
  async isReady(provider: Address, needed: bigint): Promise<boolean> {
    const state = await this.#book(provider).read()
    return state !== null && this.#isEnough(state, needed)
  }

  /** The chain is asked before the session key is used again: what is known of it has turned out to be wrong. */
  async distrust(provider: Address): Promise<void> {
    const book = this.#book(provider)
    if (await book.read()) await book.delegated(0n, 0)
  }

  /**
   * What has to be sent so that a session key may sign, null where nothing has.
   * @param needed neuron, beside what was checked
   * @param free neuron that lie at the provider once the money is there
   * @param opens whether the sub-account is opened with it: a key of an earlier one is void then
   * @throws AppError `account_exposed` where vouchers do not bound what the provider can take
   */
  async plan(provider: Address, needed: bigint, free: bigint, opens: boolean): Promise<FundingStep | null> {
    const { inference, network } = await this.#session.connected()
    const [{ readSettled }, { readDelegation }] = await Promise.all([
      import('../../chain/batches.ts'),
      import('../../chain/delegations.ts'),
    ])
    const user = requireAccount(this.#session).address
    const { settled, mode, version } = await readSettled(inference, user, provider)
    if (mode === 'batch' || (mode === 'none' && version !== 0)) throw accountExposed(provider)
    const book = this.#book(provider)
    let state = await book.open(settled)
    const known = await readDelegation(inference, provider, addressOf(state.key))
    const now = Math.floor(this.#session.runtime.now() / 1000)
    const isOver = opens || known.cap === 0n || known.expiry <= now
    if (known.user && isOver) state = await book.renew()
    else if (known.user) state = await book.delegated(known.cap, known.expiry)
    if (this.#isEnough(state, needed)) return null
    const wanted = larger(settled + CAP_TIMES * free, totalOf(state) + needed)
    return delegateStep({
      ...{ inference, chainId: network.chainId, provider, user, key: state.key },
      cap: larger(state.cap, wanted - (wanted % GWEI) + GWEI),
      expiry: Math.max(now + LASTS_SECONDS, state.expiry + 1),
    })
  }

  /** To be called once what was planned is mined. */
  async learn(provider: Address): Promise<void> {
    const { inference } = await this.#session.connected()
    const { readDelegation } = await import('../../chain/delegations.ts')
    const book = this.#book(provider)
    const state = await book.read()
    if (!state) return
    const { user, cap, expiry } = await readDelegation(inference, provider, addressOf(state.key))
    if (user) await book.delegated(cap, expiry)
  }

  /**
   * Signs for a request, over everything that was checked and everything under way.
   * @param amount the most that it can cost, neuron
   * @throws AppError `voucher_cap_reached`
   */
  async pledge(provider: Address, amount: bigint): Promise<VoucherPledge> {
    const book = this.#book(provider)
    const { id, total, state } = await book.pledge(amount)
    if (total > state.cap) {
      await book.drop(id)
      throw voucherCapReached(provider, total, state.cap)
    }
    const { chainId, inference } = this.#session.network
    const signature = signVoucher(state.key, chainId, inference, { provider, cumulative: total })
    let isOver = false
    const once = async (end: () => Promise<void>) => {
      if (isOver) return
      isOver = true
      await end()
    }
    return {
      header: formatVoucher({ cumulative: total, signature }),
      failed: (isRefused) => once(() => (isRefused ? book.drop(id) : book.lose(id))),
      judged: (judgement, answer) => once(() => conclude(book, id, judgement, answer)),
    }
  }

  /**
   * The provider refused a voucher as too low: finds out whether what it says was charged is owed.
   * @returns the most that it sets aside for the request, neuron; null where it does not say
   * @throws AppError `voucher_unexplained`
   */
  async explain(provider: Address, refusal: AppError): Promise<bigint | null> {
    const claimed = claimedIn(refusal)
    if (!claimed) return null
    const book = this.#book(provider)
    const { charged, amount } = claimed
    if (await book.explain(charged)) return amount
    const state = (await book.read())!
    if (!(await this.#isSignedElsewhere(provider, state, claimed)))
      throw voucherUnexplained(provider, charged, state.verified)
    await book.adopt(charged)
    return amount
  }

  /**
   * By another key of this payer, on another machine or before this one forgot it; or by its own, beyond what an older
   * copy of its file knows of: its own word, not the provider's, nor what the provider took of it on chain.
   */
  async #isSignedElsewhere(
    provider: Address,
    { key, former, signed }: VoucherState,
    { charged, vouchers }: Claimed,
  ): Promise<boolean> {
    const own = new Set([addressOf(key), ...former].map((address) => address.toLowerCase()))
    for (const voucher of vouchers.filter(({ cumulative }) => cumulative >= charged)) {
      const signer = this.#signerOf(provider, voucher)
      if (!signer) continue
      if (
        own.has(signer.toLowerCase())
          ? voucher.cumulative > signed
          : await this.#isKeyOfOurs(provider, signer)
      )
        return true
    }
    return false
  }

  #signerOf(provider: Address, { cumulative, signature }: SignedVoucher): Address | null {
    const { chainId, inference } = this.#session.network
    return recoverVoucher(chainId, inference, { provider, cumulative }, signature)
  }

  async #isKeyOfOurs(provider: Address, sessionKey: Address): Promise<boolean> {
    const { inference } = await this.#session.connected()
    const { readDelegation } = await import('../../chain/delegations.ts')
    const { user } = await readDelegation(inference, provider, sessionKey)
    return user !== null && sameAddress(user, requireAccount(this.#session).address)
  }

  #isEnough(state: VoucherState, needed: bigint): boolean {
    const now = Math.floor(this.#session.runtime.now() / 1000)
    return state.cap >= totalOf(state) + needed && state.expiry > now + RENEW_SECONDS
  }

  #book(provider: Address): VoucherBook {
    const { network, runtime } = this.#session
    const { chainId, inference: contract } = network
    const user = requireAccount(this.#session).address
    return new VoucherBook(storeOf(this.#session), { chainId, contract, user, provider }, runtime)
  }
}

/** What was checked is paid; what contradicts its proof is not; what has no receipt is not known. */
async function conclude(book: VoucherBook, id: string, judgement: Judgement, answer: string): Promise<void> {
  const { verdict, receipt } = judgement
  if (verdict.outcome === 'rejected') return book.drop(id)
  if (!receipt) return book.lose(id)
  return book.pay(id, answer, receipt.receipt)
}

const memories = new WeakMap<BuyerSession, ReturnType<typeof memoryVoucherStore>>()

function storeOf(session: BuyerSession) {
  if (session.vouchers) return session.vouchers
  const store = memories.get(session) ?? memoryVoucherStore()
  memories.set(session, store)
  return store
}
