import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { encodeBatchRows, type SettlementBatch, signBatch } from '../../../protocol/batch.ts'
import type { Owing, StoredBatch } from '../../ledger/batches.ts'
import type { Run } from '../run.ts'
import { submit } from '../submit.ts'
import { bookBatch } from './bookBatch.ts'
import { wouldPay } from './wouldPay.ts'

/** Settles these users in one transaction, whatever the contract pays of what they owe. */
export async function sendBatch(users: readonly Address[], provider: Address, run: Run): Promise<void> {
  const stored = await run.settler.ledger.batches.open(users)
  if (!(await send(stored, provider, run, (pays) => pays > 0n))) await giveUp(stored, run)
}

/**
 * Settles these users in one transaction, if the contract would pay everything that they owe.
 * @returns false where it would not, or where a row is not sound: nothing was sent
 */
export async function sendIfAllPaid(owing: readonly Owing[], provider: Address, run: Run): Promise<boolean> {
  const { batches } = run.settler.ledger
  const stored = await batches.open(owing.map(({ user }) => user))
  const settled = new Map(owing.map((one) => [one.user, one.settled]))
  const owed = stored.payers.reduce(
    (sum, { user, cumulative }) => sum + cumulative - (settled.get(user) ?? 0n),
    0n,
  )
  const isWhole = stored.payers.length === owing.length
  if (isWhole && (await send(stored, provider, run, (pays) => pays === owed))) return true
  await batches.markVoid(stored.number)
  return false
}

/**
 * Signs, simulates and sends. The number is stored before it is signed, the hash before it is sent.
 * @param isEnough whether to send what would be paid, neuron
 * @returns false where nothing was sent
 */
async function send(
  stored: StoredBatch,
  provider: Address,
  run: Run,
  isEnough: (pays: bigint) => boolean,
): Promise<boolean> {
  const { settler, report, mining } = run
  const { ledger, contract, log } = settler
  if (stored.payers.length === 0) return false
  const { batch, signature } = await signed(stored, provider, run)
  try {
    if (!isEnough(await wouldPay(contract, batch, signature))) return false
    const args = [provider, batch.upTo, batch.asOf, encodeBatchRows(batch.rows), signature]
    const title = `settle ${batch.rows.length} users in a batch`
    const { txHash, receipt } = await submit(
      { title, method: 'settleBatch', args },
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

async function signed(
  { number, payers }: StoredBatch,
  provider: Address,
  { settler, provider: rpc }: Run,
): Promise<{ batch: SettlementBatch; signature: string }> {
  const { tee, chainId, contract } = settler
  const asOf = (await rpc.getBlock('latest'))?.timestamp ?? 0
  const batch = { provider, upTo: number, asOf, rows: payers }
  const address = (await contract.getAddress()) as Address
  return { batch, signature: signBatch(tee.signerKey, chainId, address, batch) }
}

async function giveUp({ number, payers }: StoredBatch, { settler, report }: Run): Promise<void> {
  await settler.ledger.batches.markVoid(number)
  for (const { user } of payers) report.addWaiting(user, 'refused')
}

/** Of the whole batch: by the simulation, or by the estimate of its gas. */
const isRefusal = (error: unknown): boolean =>
  (error instanceof AppError && error.code === 'transaction_reverted') ||
  (error as { code?: unknown }).code === 'CALL_EXCEPTION'
