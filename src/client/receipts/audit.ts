import { AppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import type { Settled } from '../../chain/batches.ts'
import { listAccountsOf } from '../../chain/inference.ts'
import { listPayments, type Payment } from '../../chain/payments.ts'
import { findStakes, settledByBatches, signerVersion } from '../../chain/stakes.ts'
import { recoverReceipt } from '../../protocol/receipt.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import { askProvider } from './askProvider.ts'
import { type Contradiction, contradictionOf } from './contradiction.ts'
import { type Tally, tallyReceipts, type WithoutAnswer } from './tally.ts'

/** Something that receipts do not explain, neuron. */
export interface Unexplained {
  readonly kind: /** Receipts are missing between two numbers. */
    | 'gap'
    /** Two receipts share a number and differ, or totals run backwards: the provider contradicts itself. */
    | 'contradiction'
    /** The chain took more than all receipts together. */
    | 'paid_without_receipt'
    /** The provider claims more, or less, than receipts and chain leave open. */
    | 'unsettled_differs'
    /** Charged for answers that this machine rejected. */
    | 'rejected'
    /** Fetched, and wrong in itself: its fee is not counts times prices, or more was counted than came. */
    | 'receipt_wrong'
  readonly amount: bigint
  readonly detail: string
}

/** How one provider's charges come about, neuron. */
export interface ProviderAudit {
  readonly provider: Address
  readonly receipts: number
  /** Of them fetched from the provider in this audit. */
  readonly fetched: number
  /** All that were ever fetched: no answer of this machine stands behind them. */
  readonly withoutAnswer: WithoutAnswer
  /** Sum of all fees. */
  readonly charged: bigint
  /** Taken on chain. */
  readonly paid: bigint
  readonly settlements: readonly Payment[]
  /** What the provider says is owed and not settled; null when it did not answer. */
  readonly unsettled: bigint | null
  /** The same, or where it did not answer what receipts leave open: `charged` = `paid` + `owed` − `difference`. */
  readonly owed: bigint
  /** `paid` + `owed` − `charged`: 0 when every neuron has its receipt. */
  readonly difference: bigint
  readonly unexplained: readonly Unexplained[]
  /** What proves that the signer contradicted itself, to the contract where it is `disputable`. */
  readonly contradictions: readonly Contradiction[]
  /** Why the provider could not be asked, or null. */
  readonly unreachable: AppError | null
}

export interface Audit {
  readonly providers: readonly ProviderAudit[]
  readonly charged: bigint
  readonly paid: bigint
  /** Sum of what is owed, also by receipts alone. */
  readonly unsettled: bigint
  /** `paid` + `unsettled` − `charged`. */
  readonly difference: bigint
  /** Whether the contracts take contradictions as a proof: those of the deployed network do not. */
  readonly disputable: boolean
}

export interface AuditOptions {
  /** This provider only. */
  readonly provider?: Address
  /** Compare every receipt that a provider lists, not only those that are missing here. */
  readonly full?: boolean
}

/** A settlement that is mined while the audit looks makes a difference that is none: it looks again. */
const LOOKS = 3
const BETWEEN_LOOKS_MS = 1500
/** What a receipt says that is here, no later look takes back. */
const LASTS: ReadonlySet<Unexplained['kind']> = new Set(['contradiction', 'rejected', 'receipt_wrong'])

/**
 * Compares receipts with the chain, for one provider or for all: fills gaps from the provider first, then sets the
 * fees against what was taken on chain and what is still owed.
 */
export async function auditReceipts(
  session: Session,
  tokens: SessionTokens,
  options: AuditOptions = {},
): Promise<Audit> {
  for (let look = 1; ; look++) {
    const audit = await auditOnce(session, tokens, options)
    const mayPass = audit.providers.some(({ unexplained }) =>
      unexplained.some(({ kind }) => !LASTS.has(kind)),
    )
    if (!mayPass || look === LOOKS) return audit
    await session.runtime.sleep(BETWEEN_LOOKS_MS)
  }
}

async function auditOnce(
  session: Session,
  tokens: SessionTokens,
  { provider: only, full = false }: AuditOptions,
): Promise<Audit> {
  const { ledger, inference, rpc } = session
  const user = requireAccount(session).address
  const fromBlock = session.network.deployedAt ?? 0
  const payments = await listPayments({ ledger, inference, user, fromBlock }, rpc)
  const providers = only ? [only] : await involvedProviders(session, user, payments)
  const audits = await Promise.all(
    providers.map((provider) => auditProvider(session, tokens, { user, provider, full }, payments)),
  )
  const sum = (pick: (audit: ProviderAudit) => bigint) =>
    audits.reduce((total, audit) => total + pick(audit), 0n)
  return {
    providers: audits,
    charged: sum(({ charged }) => charged),
    paid: sum(({ paid }) => paid),
    unsettled: sum(({ owed }) => owed),
    difference: sum(({ difference }) => difference),
    disputable: (await findStakes(inference, rpc)) !== null,
  }
}

/** Everyone whom the user has an account with, has receipts of, or paid. */
async function involvedProviders(
  session: Session,
  user: Address,
  payments: readonly Payment[],
): Promise<Address[]> {
  const { chainId, inference: contract } = session.network
  const [accounts, kept] = await Promise.all([
    listAccountsOf(session.inference, user),
    session.receipts.accounts({ chainId, contract, user }),
  ])
  const all = [...accounts, ...kept, ...payments].map(({ provider }) => provider)
  return all.filter((provider, i) => all.findIndex((other) => sameAddress(other, provider)) === i)
}

async function auditProvider(
  session: Session,
  tokens: SessionTokens,
  { user, provider, full }: { readonly user: Address; readonly provider: Address; readonly full: boolean },
  payments: readonly Payment[],
): Promise<ProviderAudit> {
  const { network, receipts, inference } = session
  const owner = { chainId: network.chainId, contract: network.inference, user, provider }
  const settlements = payments.filter((payment) => sameAddress(payment.provider, provider))
  const paid = settlements.reduce((sum, { amount }) => sum + amount, 0n)
  const before = await receipts.count(owner)
  const asked = await askProvider(session, tokens, owner, full)
  const settled = await settledByBatches(inference, user, provider)
  const tally = await tallyReceipts(receipts, owner, settled)
  const { charged } = tally
  const unsettled = asked instanceof AppError ? null : asked
  const owed = unsettled ?? (charged > paid ? charged - paid : 0n)
  return {
    provider,
    receipts: tally.count,
    fetched: tally.count - before,
    withoutAnswer: tally.withoutAnswer,
    charged,
    paid,
    settlements,
    unsettled,
    owed,
    difference: paid + owed - charged,
    contradictions: [...tally.contradictions, ...(await settlementContradiction(session, tally, settled))],
    unexplained: [...tally.unexplained, ...moneyWithoutReceipt(charged, paid, unsettled)],
    unreachable: asked instanceof AppError ? asked : null,
  }
}

/** A receipt that is later than a batch and of a smaller total, by the signer of that batch. */
async function settlementContradiction(
  { inference }: Session,
  { belowSettled }: Tally,
  settled: Settled | null,
): Promise<Contradiction[]> {
  for (const signed of belowSettled) {
    const signer = recoverReceipt(signed)
    const version = signer && (await signerVersion(inference, signed.receipt.provider, signer))
    const contradiction = version === settled?.version ? contradictionOf([signed]) : null
    if (contradiction) return [contradiction]
  }
  return []
}

function moneyWithoutReceipt(charged: bigint, paid: bigint, unsettled: bigint | null): Unexplained[] {
  if (paid > charged) {
    const detail = 'taken on chain beyond all receipts'
    return [{ kind: 'paid_without_receipt', amount: paid - charged, detail }]
  }
  const open = charged - paid
  if (unsettled === null || unsettled === open) return []
  const amount = unsettled > open ? unsettled - open : open - unsettled
  const detail =
    unsettled > open ? 'claimed by the provider beyond all receipts' : 'on receipts, and not claimed'
  return [{ kind: 'unsettled_differs', amount, detail }]
}
