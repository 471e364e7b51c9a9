import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { readSettled, readSpendable, type Settled } from '../../../chain/batches.ts'
import { type Account, findAccount } from '../../../chain/inference.ts'
import { signBatch } from '../../../protocol/batch.ts'
import type { Owing } from '../../ledger/batches.ts'
import type { WaitReason } from '../report.ts'
import type { Run } from '../run.ts'
import { inPages } from './readTotals.ts'
import { wouldPay } from './wouldPay.ts'

interface Payer extends Owing {
  readonly account: Account | null
  readonly chain: Settled
  readonly spendable: bigint
}

/** Those of whom a batch would take something now; the others wait, and cost nobody gas. */
export async function readPayers(owing: readonly Owing[], provider: Address, run: Run): Promise<Address[]> {
  const { settler, report } = run
  const { contract, ledger } = settler
  const head = await blockRef(run)
  const payers = await inPages(owing, async (item): Promise<Payer> => {
    const { user } = item
    const [account, chain, spendable] = await Promise.all([
      findAccount(contract, user, provider, head.number),
      readSettled(contract, user, provider, head.number),
      readSpendable(contract, user, provider),
    ])
    return { ...item, account, chain, spendable }
  })
  const ahead = payers.filter(({ chain, settled }) => chain.settled > settled)
  if (ahead.length > 0) await learn(ahead, run, head)
  const owingStill = new Set((await ledger.batches.owing(run.minimum)).map(({ user }) => user))
  const faults = await inPages(payers, (payer) => faultOf(payer, provider, run))
  return payers.flatMap(({ user }, index) => {
    const fault = faults[index]
    if (fault && owingStill.has(user)) report.addWaiting(user, fault)
    return fault || !owingStill.has(user) ? [] : [user]
  })
}

/** Batches that are not known here took from them: another replica's, or one whose transaction was given up. */
async function learn(payers: readonly Payer[], { settler }: Run, block: Block): Promise<void> {
  const { ledger, log } = settler
  const { number } = await ledger.batches.open(payers.map(({ user }) => user))
  const totals = new Map(payers.map(({ user, chain }) => [user, chain.settled]))
  await ledger.batches.book(number, totals, { txHash: null, block })
  for (const { user, chain } of payers) {
    await ledger.refresh(user)
    const { charged, paid } = ledger.totals(user)
    log.info('settlement_found', { user, settled: chain.settled })
    if (paid <= charged) continue
    await ledger.batches.adopt(user, chain.settled)
    log.error('chain_ahead_of_ledger', { user, paid })
  }
}

type Block = Awaited<ReturnType<typeof blockRef>>

async function blockRef({ provider }: Run) {
  const block = await provider.getBlock('latest')
  if (!block?.hash) throw new AppError({ code: 'rpc_unreachable', message: 'The chain has no head' })
  return { number: block.number, hash: block.hash as `0x${string}` }
}

async function faultOf(payer: Payer, provider: Address, run: Run): Promise<WaitReason | null> {
  const { account, chain, spendable } = payer
  if (!account) return 'account_missing'
  if (chain.mode === 'voucher') return 'settled_by_vouchers'
  if (spendable === 0n || spendable < run.minimum) return 'account_empty'
  if (account.acknowledged) return null
  // After a withdrawal, or a rotation, an account can be charged for one lock time more.
  return (await canBeCharged(payer, provider, run)) ? null : 'account_not_acknowledged'
}

/** Asks the contract, with a batch that this broker does not send; whoever sends it takes one neuron that is owed. */
async function canBeCharged({ user, chain }: Payer, provider: Address, run: Run): Promise<boolean> {
  const { contract, ledger, tee, chainId } = run.settler
  const batch = {
    provider,
    upTo: (await ledger.numbers.last()) + 1,
    asOf: (await run.provider.getBlock('latest'))?.timestamp ?? 0,
    rows: [{ user, cumulative: chain.settled + 1n }],
  }
  const signature = signBatch(tee.signerKey, chainId, (await contract.getAddress()) as Address, batch)
  return (await wouldPay(contract, batch, signature)) > 0n
}
