import { DEFAULT_POLICY } from '../attestation/policy.ts'
import { parseReceiptDetail } from '../attestation/receiptDetail.ts'
import { combineVerdicts, type Verdict } from '../attestation/verdict.ts'
import { type Exchange, verifyAnswer } from '../attestation/verifyAnswer.ts'
import { type Address, sameAddress } from '../base/hex.ts'
import { Mutex } from '../base/mutex.ts'
import { outputBound } from '../protocol/generated.ts'
import { receiptFromJson, recoverReceipt, type SignedReceipt } from '../protocol/receipt.ts'
import { BrokerApi } from './brokerApi.ts'
import type { Credential } from './credential.ts'
import type { FinishedExchange } from './exchange.ts'
import type { Offer } from './offers.ts'
import { dearestPrices } from './priceTiers.ts'
import { fetchProof } from './proof.ts'
import { type CheckedProvider, checkProvider, forgetVerdicts } from './providerCheck.ts'
import type { MediaCount } from './purchase/prepareMedia.ts'
import type { ReceiptAccount } from './receipts/receiptStore.ts'
import { type BuyerSession, requireAccount } from './session.ts'

/** An exchange that is over, and everything that was agreed before it. */
export interface JudgedExchange {
  readonly offer: Offer
  readonly checked: CheckedProvider
  /** As receipts name it: `/v1/chat/completions`. */
  readonly endpoint: string
  /** The most tokens that prompt and answer could become. */
  readonly promptTokens: number
  readonly maxTokens: number
  /** Null where tokens are counted. */
  readonly media: MediaCount | null
  readonly finished: FinishedExchange
  readonly credential: Credential
  /** When the answer ended, ms. */
  readonly now: number
}

export interface Judgement {
  readonly verdict: Verdict
  /** The receipt, where the provider's signer did make it for this user. */
  readonly receipt: SignedReceipt | null
}

/** Fetches the proof of an answer, judges it, and keeps the receipt. */
export class AnswerJudge {
  readonly #session: BuyerSession
  /** A receipt is compared with the known ones and kept before the next is looked at. */
  readonly #turn = new Mutex()

  constructor(session: BuyerSession) {
    this.#session = session
  }

  async judge(judged: JudgedExchange): Promise<Judgement> {
    const { runtime } = this.#session
    const broker = new BrokerApi(runtime, judged.offer.service.url)
    const proof = await fetchProof(runtime, broker, judged.finished.id, judged.credential)
    const signed = proof && readReceipt(proof.receipt)
    const { checked, isEvidenceOld } = await this.#checkedFor(judged, signed)
    return this.#turn.run(async () => {
      const exchange = { ...this.#exchange({ ...judged, checked }), isEvidenceOld }
      const known = await this.#session.receipts.known(exchange, signed?.receipt.seq ?? 0)
      const answered = verifyAnswer(
        exchange,
        { text: proof?.text ?? null, receipt: proof?.receipt ?? null },
        known,
        checked.verdict.assurance,
      )
      const verdict = combineVerdicts(checked.verdict, answered)
      const receipt = signed && isStatement(signed, exchange) ? signed : null
      if (receipt) await this.#keep(receipt, verdict)
      return { verdict, receipt }
    })
  }

  /** A broker that was started anew since its evidence was looked at names evidence of its own: that is looked at now. */
  async #checkedFor(
    { offer, checked }: JudgedExchange,
    signed: SignedReceipt | null,
  ): Promise<{ readonly checked: CheckedProvider; readonly isEvidenceOld: boolean }> {
    const { evidence } = checked.verdict
    const named = signed && parseReceiptDetail(signed.detail)?.evidence
    if (evidence === null || !named || named === evidence) return { checked, isEvidenceOld: false }
    forgetVerdicts(this.#session, offer.service.provider)
    try {
      return { checked: await checkProvider(this.#session, offer.service), isEvidenceOld: false }
    } catch {
      // Whoever cannot be asked now is not called false for it.
      return { checked, isEvidenceOld: true }
    }
  }

  #keep(signed: SignedReceipt, { outcome }: Verdict): Promise<void> {
    const savedAt = this.#session.runtime.now()
    return this.#session.receipts.add({ signed, source: 'answer', outcome, savedAt })
  }

  #exchange({
    offer,
    checked,
    endpoint,
    promptTokens,
    maxTokens,
    media,
    finished,
    now,
  }: JudgedExchange): Exchange {
    const { network, policy = DEFAULT_POLICY } = this.#session
    const delivered = Math.floor(finished.answer.deliveredBytes * policy.maxTokensPerByte)
    const tokens = { input: promptTokens, output: outputBound(maxTokens, delivered) }
    return {
      chainId: network.chainId,
      contract: network.inference,
      provider: offer.service.provider,
      user: requireAccount(this.#session).address,
      signer: checked.signers.receipt,
      textSigner: checked.signers.text,
      id: finished.id,
      endpoint,
      model: offer.model,
      modelDigest: offer.modelDigest,
      requestHash: finished.requestHash,
      responseHash: finished.responseHash,
      responseBytes: finished.responseBytes,
      ...(finished.sealed && { sealed: finished.sealed }),
      ended: finished.cut ? 'partial' : 'complete',
      prices: offer.prices,
      ...(media === null && {
        pricesFor: (promptTokens: number) => dearestPrices(offer.prices, offer.tiers, promptTokens),
      }),
      bounds: media ? mediaBounds(media, finished) : tokens,
      evidence: checked.verdict.evidence,
      now,
    }
  }
}

/** Images as far as they came; seconds as this client counted them in what it sent. */
const mediaBounds = ({ unit, most }: MediaCount, { answer }: FinishedExchange) => ({
  input: 0,
  output: 0,
  [unit]: unit === 'image' ? Math.min(most, answer.images) : most,
})

/** Whether the provider's signer made this statement to this user: only then is it worth keeping. */
export function isStatement(signed: SignedReceipt, expected: ReceiptAccount & { signer: Address }): boolean {
  const signer = recoverReceipt(signed)
  return (
    signer !== null &&
    sameAddress(signer, expected.signer) &&
    signed.chainId === expected.chainId &&
    sameAddress(signed.contract, expected.contract) &&
    sameAddress(signed.receipt.provider, expected.provider) &&
    sameAddress(signed.receipt.user, expected.user)
  )
}

function readReceipt(json: unknown): SignedReceipt | null {
  try {
    return receiptFromJson(json)
  } catch {
    return null
  }
}
