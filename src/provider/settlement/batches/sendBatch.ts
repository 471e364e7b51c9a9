import { counted } from '../../../base/counted.ts'
import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import type { Owing, StoredBatch } from '../../ledger/batches.ts'
import type { Run } from '../run.ts'
import { submit } from '../submit.ts'
import { bookBatch } from './bookBatch.ts'
import type { Claim, Claiming } from './claim.ts'
import { wouldPay } from './wouldPay.ts'

/** Settles these users in one transaction, whatever the contract pays of what they owe. */
export async function sendBatch(
  users: readonly Address[],
  { claimOf }: Claiming,
  provider: Address,
  run: Run,
): Promise<void> {
  const stored = await run.settler.ledger.batches.open(users)
  const isSent =
    stored.payers.length > 0 &&
    (await send(stored, await claimOf(stored, provider, run), provider, run, (pays) => pays > 0n))
  if (!isSent) await giveUp(stored, run)
}

/**
 * Settles these users in one transaction, if the contract would pay everything that they owe.
 * @returns false where it would not, or where a row is not sound: nothing was sent
 */
export async function sendIfAllPaid(
  owing: readonly Owing[],
  { claimOf }: Claiming,
  provider: Address,
  run: Run,
): Promise<boolean> {
  const { batches } = run.settler.ledger
  const stored = await batches.open(owing.map(({ user }) => user))
  if (stored.payers.length === owing.length) {
    const claim = await claimOf(stored, provider, run)
    const settled = owing.reduce((sum, one) => sum + one.settled, 0n)
    const isWhole = claim.leftOut.length === 0
    if (isWhole && (await send(stored, claim, provider, run, (pays) => pays === claim.asked - settled)))
      return true
  }
  await batches.markVoid(stored.number)
  return false
}

/**
 * Simulates and sends. The number is stored before it is signed, the hash before it is sent.
 * @param isEnough whether to send what would be paid, neuron
 * @returns false where nothing was sent
 */
async function send(
  stored: StoredBatch,
  claim: Claim,
  provider: Address,
  run: Run,
  isEnough: (pays: bigint) => boolean,
): Promise<boolean> {
  const { settler, report, mining } = run
  const { ledger, contract, log } = settler
  const { method, args } = claim
  try {
    if (!isEnough(await wouldPay(contract, claim, provider))) return false
    const title = `settle ${counted(stored.payers.length, 'user')} by ${method}`
    const { txHash, receipt } = await submit(
      { title, method, args },
      { ...mining, contract, beforeSend: (hash) => ledger.batches.markSent(stored.number, hash) },
    )
    if (receipt) await bookBatch(stored, receipt, provider, run)
    else {
      for (const { user } of stored.payers) report.addWaiting(user, 'outcome_unknown')
      log.warn('settlement_unknown', { txHash, payers: stored.payers.length })
    }
    return true
  } catch (error) {
    if (!isRefusal(error)) throw error
    log.error('settlement_reverts', { number: stored.number, reason: String((error as Error).message) })
    return false
  }
}

async function giveUp({ number, payers }: StoredBatch, { settler, report }: Run): Promise<void> {
  await settler.ledger.batches.markVoid(number)
  for (const { user } of payers) report.addWaiting(user, 'refused')
}

/** Of the whole batch: by the simulation, or by the estimate of its gas. */
const isRefusal = (error: unknown): boolean =>
  (error instanceof AppError && error.code === 'transaction_reverted') ||
  (error as { code?: unknown }).code === 'CALL_EXCEPTION'
