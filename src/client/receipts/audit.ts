import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import { AppError } from '../../base/errors.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { findAccount, findService, listAccountsOf, type Service } from '../../chain/inference.ts'
import { listPayments, type Payment } from '../../chain/payments.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import { receiptFromJson, type SignedReceipt } from '../../protocol/receipt.ts'
import { isStatement } from '../answerJudge.ts'
import { BrokerApi } from '../brokerApi.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import type { StoredReceipt } from './receiptStore.ts'

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
  readonly amount: bigint
  readonly detail: string
}

/** How one provider's charges come about, neuron. */
export interface ProviderAudit {
  readonly provider: Address
  readonly receipts: number
  /** Of them fetched from the provider in this audit: no answer of this machine stands behind them. */
  readonly fetched: number
  /** Sum of all fees. */
  readonly charged: bigint
  /** Taken on chain. */
  readonly paid: bigint
  readonly settlements: readonly Payment[]
  /** What the provider says is owed and not settled; null when it did not answer. */
  readonly unsettled: bigint | null
  /** `paid` + `unsettled` − `charged`: 0 when every neuron has its receipt. */
  readonly difference: bigint
  readonly unexplained: readonly Unexplained[]
  /** Why the provider could not be asked, or null. */
  readonly unreachable: AppError | null
}

export interface Audit {
  readonly providers: readonly ProviderAudit[]
  readonly charged: bigint
  readonly paid: bigint
  readonly unsettled: bigint
  readonly difference: bigint
}

/** A settlement that is mined while the audit looks makes a difference that is none: it looks again. */
const LOOKS = 3
const BETWEEN_LOOKS_MS = 1500

/**
 * Compares receipts with the chain, for one provider or for all: fills gaps from the provider first, then sets the
 * fees against what was taken on chain and what is still owed.
 */
export async function auditReceipts(session: Session, tokens: SessionTokens, only?: Address): Promise<Audit> {
  for (let look = 1; ; look++) {
    const audit = await auditOnce(session, tokens, only)
    const settled = audit.providers.every(({ unexplained }) => unexplained.length === 0)
    if (settled || look === LOOKS) return audit
    await session.runtime.sleep(BETWEEN_LOOKS_MS)
  }
}

async function auditOnce(session: Session, tokens: SessionTokens, only?: Address): Promise<Audit> {
  const { ledger, inference, rpc } = session
  const user = requireAccount(session).address
  const payments = await listPayments({ ledger, inference, user }, rpc)
  const providers = only ? [only] : await involvedProviders(session, user, payments)
  const audits = await Promise.all(
    providers.map((provider) => auditProvider(session, tokens, user, provider, payments)),
  )
  const sum = (pick: (audit: ProviderAudit) => bigint) =>
    audits.reduce((total, audit) => total + pick(audit), 0n)
  return {
    providers: audits,
    charged: sum(({ charged }) => charged),
    paid: sum(({ paid }) => paid),
    unsettled: sum(({ unsettled }) => unsettled ?? 0n),
    difference: sum(({ difference }) => difference),
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
  user: Address,
  provider: Address,
  payments: readonly Payment[],
): Promise<ProviderAudit> {
  const owner = { chainId: session.network.chainId, contract: session.network.inference, user, provider }
  const settlements = payments.filter((payment) => sameAddress(payment.provider, provider))
  const paid = settlements.reduce((sum, { amount }) => sum + amount, 0n)
  const before = (await session.receipts.list(owner)).length
  const asked = await askProvider(session, tokens, owner)
  const receipts = await session.receipts.list(owner)
  const charged = receipts.reduce((sum, { signed }) => sum + signed.receipt.fee, 0n)
  const unsettled = asked instanceof AppError ? null : asked
  const owed = unsettled ?? (charged > paid ? charged - paid : 0n)
  return {
    provider,
    receipts: receipts.length,
    fetched: receipts.length - before,
    charged,
    paid,
    settlements,
    unsettled,
    difference: paid + owed - charged,
    unexplained: [...gapsIn(receipts), ...moneyWithoutReceipt(charged, paid, unsettled)],
    unreachable: asked instanceof AppError ? asked : null,
  }
}

type Owner = Parameters<Session['receipts']['list']>[0]

/** Fetches missing receipts and what is owed. @returns neuron, or why the provider could not be asked */
async function askProvider(
  session: Session,
  tokens: SessionTokens,
  owner: Owner,
): Promise<bigint | AppError> {
  try {
    const { provider, user } = owner
    const service = await findService(session.inference, provider)
    if (!service) return providerGone(provider)
    const account = await findAccount(session.inference, user, provider)
    const token = await tokens.get(provider, account?.generation ?? 0)
    const broker = new BrokerApi(session.runtime, service.url)
    await fetchMissing(session, broker, service, owner, token)
    return await broker.unsettledFee(user, token)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

async function fetchMissing(
  session: Session,
  broker: BrokerApi,
  service: Service,
  owner: Owner,
  token: string,
): Promise<void> {
  let after: number | null = lastSeqWithoutGap(await session.receipts.list(owner))
  while (after !== null) {
    const page: { receipts: unknown[]; next: number | null } = await broker.receipts(owner.user, after, token)
    for (const json of page.receipts) {
      const signed = checked(json, owner, service)
      if (signed) {
        const savedAt = session.runtime.now()
        await session.receipts.add({ signed, source: 'audit', outcome: null, savedAt })
      }
    }
    after = page.next !== null && page.next > after ? page.next : null
  }
}

/** A receipt from the provider's list, if its signer made it for this user and its detail is the signed one. */
function checked(json: unknown, owner: Owner, service: Service): SignedReceipt | null {
  try {
    const signed = receiptFromJson(json)
    const stated = isStatement(signed, { ...owner, signer: service.teeSignerAddress })
    const whole = sha256Text(signed.detail) === signed.receipt.detail && parseReceiptDetail(signed.detail)
    return stated && whole ? signed : null
  } catch {
    return null
  }
}

/** The number up to which every fee is accounted for: totals rise by exactly the fee. */
function lastSeqWithoutGap(receipts: readonly StoredReceipt[]): number {
  let total = 0n
  let seq = 0
  for (const { signed } of receipts) {
    const { receipt } = signed
    if (receipt.cumulative !== total + receipt.fee) break
    total = receipt.cumulative
    seq = receipt.seq
  }
  return seq
}

function gapsIn(receipts: readonly StoredReceipt[]): Unexplained[] {
  const found: Unexplained[] = []
  let total = 0n
  let seq = 0
  for (const { signed } of receipts) {
    const { receipt } = signed
    const jump = receipt.cumulative - receipt.fee - total
    const detail = `between receipts ${seq} and ${receipt.seq}`
    if (receipt.seq === seq || jump < 0n)
      found.push({ kind: 'contradiction', amount: jump < 0n ? -jump : 0n, detail })
    else if (jump > 0n) found.push({ kind: 'gap', amount: jump, detail })
    total = receipt.cumulative
    seq = receipt.seq
  }
  return found
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

const providerGone = (provider: Address): AppError =>
  new AppError({
    code: 'provider_unknown',
    message: `Provider ${provider} is not registered any more`,
    hint: 'Its receipts on this machine are compared with the chain alone',
    next: '0g-compute fund withdraw --all',
  })
