import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { readSettled, readSpendable, type Settled } from '../../../chain/batches.ts'
import { type Account, findAccount } from '../../../chain/inference.ts'
import type { Owing } from '../../ledger/batches.ts'
import type { Run } from '../run.ts'
import type { Claiming } from './claim.ts'
import { inPages } from './readTotals.ts'

/** One who owes, and what the chain says of the account. */
export interface Payer extends Owing {
  readonly account: Account | null
  readonly chain: Settled
  readonly spendable: bigint
}

/** Those of whom a batch would take something now; the others wait, and cost nobody gas. */
export async function readPayers(
  owing: readonly Owing[],
  { faultOf }: Pick<Claiming, 'faultOf'>,
  provider: Address,
  run: Run,
): Promise<Address[]> {
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
