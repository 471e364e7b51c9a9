import { setTimeout as sleep } from 'node:timers/promises'
import type { Contract, Provider, Signer } from 'ethers'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { isKnownSigner, readEpoch, readSettled, type Settled } from '../../chain/batches.ts'
import { EPOCH_NUMBERS, epochOfNumber } from '../../protocol/batch.ts'
import type { Ledger, SettlingTurn } from '../ledger/ledger.ts'
import { adoptUnknown } from './adopt.ts'
import { inPages } from './batches/readTotals.ts'
import { Deadline } from './deadline.ts'
import { listChainAccounts, logsMissing } from './epoch.ts'
import { epochNotOpen, raiseEpoch } from './raiseEpoch.ts'

export interface EnterEpochOptions {
  readonly ledger: Ledger
  readonly rpc: Provider
  /** `InferenceServing`, with batches. */
  readonly contract: Contract
  readonly operator: Signer
  readonly provider: Address
  readonly chainId: number
  /** The enclave's. */
  readonly signer: Address
  readonly confirmations: number
  readonly pollMs: number
  /** Until when an epoch has to be final. Default in 10 minutes. */
  readonly deadline?: Deadline
  /** The operator knows that the ledger is not the newest. */
  readonly newEpoch: boolean
  readonly log: Logger
}

/** Why numbers have to begin anew. */
type Reason =
  | 'wanted'
  | 'ledger_missing'
  | 'ledger_copied'
  | 'ledger_behind'
  | 'numbers_used_up'
  | 'receipt_unknown'

/** Numbers that pass while nobody takes one, each second: an epoch lasts four years. */
const NUMBERS_PER_SECOND = 32
/** Fewer numbers than this are as good as none. */
const MARGIN = 2 ** 28
const FINAL_MS = 10 * 60 * 1000
const BUMP_AFTER_MS = 30_000
const TURN_EVERY_MS = 200

/**
 * To be called before anything is charged: no number may stand on two receipts, whatever became of the ledger. One
 * that is complete goes on where it stopped; with any other the next epoch is opened on chain, and final, before
 * the first answer. A ledger that is not the newest shows in one of these:
 *
 * 1. it has no epoch, while the chain knows this signer: the ledger is new, the provider is not;
 * 2. it lies elsewhere than where its epoch began: it is a copy;
 * 3. the chain has a later epoch, number, total or nonce than the ledger knows: it is behind;
 * 4. none of these, as when a whole machine went back to a snapshot: then numbers begin where the clock says, above
 *    all that a broker with fewer than 32 receipts a second has used. A busier one has settled since, which is 3.
 *
 * A complete ledger never repeats a number: none is answered before it is on disk, and they go on above the highest.
 *
 * What is settled on chain counts as paid. Charges that were lost with a ledger and not settled are forgone.
 * @throws AppError `epoch_not_open`, `epoch_passed`, `insufficient_funds`, `ledger_behind_chain`
 */
export async function enterEpoch(options: EnterEpochOptions): Promise<void> {
  const { numbers } = options.ledger
  if (!(await numbers.epoch()) || (await whyNewEpoch(options))) await beginEpoch(options)
  await serveEpoch(options)
}

/**
 * The same while the broker runs: a receipt of this epoch, signed here, is not in the ledger.
 * @param seq its number
 */
export async function leaveEpochOf(seq: number, options: EnterEpochOptions): Promise<void> {
  const isLeft = async () => epochOfNumber(seq) < ((await options.ledger.numbers.epoch())?.epoch ?? 0)
  await beginEpoch(options, async () => ((await isLeft()) ? null : 'receipt_unknown'))
  await serveEpoch(options)
}

/** Returns once the chain has the ledger's epoch for good. */
async function serveEpoch(options: EnterEpochOptions): Promise<void> {
  const { ledger, rpc, contract, provider } = options
  const { numbers } = ledger
  const { epoch, since } = (await numbers.epoch())!
  await raise(options, epoch)
  await untilFinal(options, epoch)
  await numbers.skipTo(numberNow(epoch, since, await chainSeconds(rpc)))
  options.log.info('epoch', { epoch, provider, contract: String(contract.target) })
}

/** The number at which an epoch is by the clock. */
const numberNow = (epoch: number, since: number, now: number): number =>
  epoch * EPOCH_NUMBERS + 1 + Math.max(0, now - since) * NUMBERS_PER_SECOND

/** One replica decides; who comes later finds it done. */
async function beginEpoch(options: EnterEpochOptions, why = () => whyNewEpoch(options)): Promise<void> {
  const { ledger, contract, provider, rpc, log } = options
  const turn = await takeTurn(options)
  try {
    const reason = await why()
    const mark = await ledger.numbers.epoch()
    if (!reason && mark) return
    const open = await readEpoch(contract, provider)
    const epoch = reason
      ? Math.max(open, mark?.epoch ?? 0, epochOfNumber(await ledger.numbers.last())) + 1
      : open
    if (reason) log.warn('epoch_needed', { kind: reason, epoch })
    if (reason) await adoptChain(options)
    // Before it is open on chain: a crash in between leaves an epoch that the next start opens.
    await ledger.numbers.enter(epoch, await chainSeconds(rpc))
  } finally {
    await turn.end()
  }
}

function raise(
  { contract, provider, operator, confirmations, pollMs, deadline = inTime(), log }: EnterEpochOptions,
  epoch: number,
) {
  const mining = { operator, confirmations, pollMs, deadline, bumpAfterMs: BUMP_AFTER_MS }
  return raiseEpoch({ ...mining, contract, provider, epoch, log })
}

const inTime = (): Deadline => new Deadline(Date.now() + FINAL_MS)

/** Also one that a process opened which died before it was final. */
async function untilFinal(options: EnterEpochOptions, epoch: number): Promise<void> {
  const { contract, provider, rpc, confirmations, pollMs, deadline = inTime() } = options
  while (epoch > 0) {
    const deep = (await rpc.getBlockNumber()) - confirmations + 1
    // The contract itself may be younger.
    const found = await readEpoch(contract, provider, deep).catch(() => 0)
    if (found >= epoch) return
    if (deadline.isOver) throw epochNotOpen(epoch)
    await sleep(pollMs)
  }
}

async function whyNewEpoch(options: EnterEpochOptions): Promise<Reason | null> {
  const { ledger, contract, provider, signer, newEpoch, rpc } = options
  const mark = await ledger.numbers.epoch()
  const isBehind = async () => ((await accountsAhead(options)).length > 0 ? 'ledger_behind' : null)
  if (!mark) return (await isKnownSigner(contract, provider, signer)) ? 'ledger_missing' : isBehind()
  if (newEpoch) return 'wanted'
  if (!mark.isHere) return 'ledger_copied'
  const open = await readEpoch(contract, provider)
  if (open > mark.epoch) return 'ledger_behind'
  const now = numberNow(mark.epoch, mark.since, await chainSeconds(rpc))
  const next = Math.max(now, await ledger.numbers.last())
  if (next > (mark.epoch + 1) * EPOCH_NUMBERS - MARGIN) return 'numbers_used_up'
  return isBehind()
}

interface ChainAccount {
  readonly user: Address
  readonly nonce: bigint
  readonly chain: Settled
}

/** Accounts of which the chain knows more than the ledger. */
async function accountsAhead({ ledger, contract, provider }: EnterEpochOptions): Promise<ChainAccount[]> {
  const last = await ledger.numbers.last()
  const accounts = await inPages(await listChainAccounts(contract, provider), async ({ user, nonce }) => ({
    user,
    nonce,
    chain: await readSettled(contract, user, provider),
  }))
  const isAhead = await inPages(accounts, (account) => isAheadOf(ledger, last, account))
  return accounts.filter((_, index) => isAhead[index])
}

/** A payer whose row somebody changed is neither served nor settled, and stops nobody else. */
async function isAheadOf(
  ledger: Ledger,
  last: number,
  { user, nonce, chain }: ChainAccount,
): Promise<boolean> {
  try {
    await ledger.refresh(user)
    const { charged } = ledger.totals(user)
    return chain.upTo > last || chain.settled > charged || nonce > (await ledger.settlements.lastNonce(user))
  } catch (error) {
    if ((error as { code?: string }).code === 'ledger_row_tampered') return false
    throw error
  }
}

async function adoptChain(options: EnterEpochOptions): Promise<void> {
  const { ledger, provider, rpc, contract, log } = options
  for (const { user, nonce, chain } of await accountsAhead(options)) {
    const adoption = await adoptUnknown({ user, provider, nonce }, { ledger, rpc, contract, log })
    if (adoption === 'unclear') throw logsMissing(user)
    await ledger.batches.adopt(user, chain.settled)
  }
}

async function takeTurn({ ledger, deadline = inTime() }: EnterEpochOptions): Promise<SettlingTurn> {
  for (;;) {
    const turn = await ledger.takeTurn()
    if (turn) return turn
    if (deadline.isOver) throw turnTaken()
    await sleep(TURN_EVERY_MS)
  }
}

const turnTaken = (): AppError =>
  new AppError({
    code: 'epoch_not_open',
    message: 'Another replica of this provider settles, and did not end in time',
    hint: 'Nothing is served before the epoch is clear. If a replica hangs, stop it; then start again',
    next: '0g-compute provider serve',
    retryable: true,
    status: 503,
  })

/** The clock, or the chain's time where that is ahead: clocks of replicas may differ. */
async function chainSeconds(rpc: Provider): Promise<number> {
  const block = await rpc.getBlock('latest')
  return Math.max(block?.timestamp ?? 0, Math.floor(Date.now() / 1000))
}
