import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import { countsMoreThanCame, feeByDetail } from '../../attestation/receiptFee.ts'
import { expectedSigners } from '../../attestation/signers.ts'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { findAccount, findService, type Service } from '../../chain/inference.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import {
  type ReceiptDetail,
  receiptFromJson,
  receiptToJson,
  type SignedReceipt,
} from '../../protocol/receipt.ts'
import { isStatement } from '../answerJudge.ts'
import { BrokerApi } from '../brokerApi.ts'
import { abilitiesOf } from '../capabilities/abilitiesOf.ts'
import type { Credential } from '../credential.ts'
import type { Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import type { ReceiptAccount, StoredReceipt } from './receiptStore.ts'
import { lastSeqWithoutGap } from './tally.ts'

/**
 * Fetches an account's missing receipts from its provider, and what is owed.
 * @param full every receipt that the provider lists, not only those that are missing here
 * @returns neuron, or why the provider could not be asked
 */
export async function askProvider(
  session: Session,
  tokens: SessionTokens,
  owner: ReceiptAccount,
  full: boolean,
): Promise<bigint | AppError> {
  try {
    const { provider, user } = owner
    const service = await findService(session.inference, provider)
    if (!service) return providerGone(provider)
    const account = await findAccount(session.inference, user, provider)
    const abilities = await abilitiesOf(session, service)
    const credential = await tokens.get(provider, account?.generation ?? 0, abilities)
    const broker = new BrokerApi(session.runtime, service.url)
    const newest = await fetchMissing(session, { broker, service, credential }, owner, full)
    // Lets a broker find out that it has forgotten it; one that knows no such request answers an error.
    if (newest) await broker.showReceipt(user, receiptToJson(newest), credential).catch(() => null)
    return await broker.unsettledFee(user, credential)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

interface Counterpart {
  readonly broker: BrokerApi
  readonly service: Service
  readonly credential: Credential
}

/** @returns the newest receipt that is kept now */
async function fetchMissing(
  session: Session,
  { broker, service, credential }: Counterpart,
  owner: ReceiptAccount,
  full: boolean,
): Promise<SignedReceipt | null> {
  const { receipts, runtime } = session
  let after: number | null = full ? 0 : await lastSeqWithoutGap(receipts.totals(owner))
  while (after !== null) {
    const page: { receipts: unknown[]; next: number | null } = await broker.receipts(
      owner.user,
      after,
      credential,
    )
    const savedAt = runtime.now()
    const stated = page.receipts.flatMap((json) => checked(json, owner, service) ?? [])
    await receipts.addAll(stated.map((receipt) => ({ ...receipt, source: 'audit', savedAt })))
    after = page.next !== null && page.next > after ? page.next : null
  }
  return receipts.newest(owner)
}

/** A receipt from the provider's list, if its signer made it for this user and its detail is the signed one. */
function checked(
  json: unknown,
  owner: ReceiptAccount,
  service: Service,
): Pick<StoredReceipt, 'signed' | 'outcome'> | null {
  try {
    const signed = receiptFromJson(json)
    const stated = isStatement(signed, { ...owner, signer: expectedSigners(service).receipt })
    const detail = sha256Text(signed.detail) === signed.receipt.detail && parseReceiptDetail(signed.detail)
    return stated && detail ? { signed, outcome: addsUp(signed, detail) ? null : 'rejected' } : null
  } catch {
    return null
  }
}

/** What is wrong in itself was charged nevertheless: it is kept, and named. */
const addsUp = ({ receipt }: SignedReceipt, detail: ReceiptDetail): boolean =>
  receipt.fee === feeByDetail(detail) && !countsMoreThanCame(detail)

const providerGone = (provider: Address): AppError =>
  new AppError({
    code: 'provider_unknown',
    message: `Provider ${provider} is not registered any more`,
    hint: 'Its receipts on this machine are compared with the chain alone',
    next: '0g-compute fund withdraw --all',
  })
