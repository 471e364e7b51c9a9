import { type Hex, sameAddress } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { sha256Text } from '../protocol/canonical.ts'
import {
  type ReceiptDetail,
  type ReceiptJson,
  receiptDigest,
  receiptFromJson,
  recoverReceipt,
  type SignedReceipt,
} from '../protocol/receipt.ts'
import { checkPrice } from './checkPrice.ts'
import type { Exchange, KnownReceipts } from './exchange.ts'
import { parseReceiptDetail } from './receiptDetail.ts'
import type { StepList } from './verdict.ts'

/** A receipt's time and the client's clock may differ by this much, ms. */
export const RECEIPT_CLOCK_TOLERANCE_MS = 60_000

/** The receipt is for this answer, by the signer on chain, and fits the other receipts. */
export function checkReceipt(
  steps: StepList,
  exchange: Exchange,
  json: ReceiptJson | null,
  known: KnownReceipts,
): void {
  if (json === null) {
    steps.missing('receipt', 'the provider gave no receipt for this answer')
    return
  }
  const signed = readReceipt(json)
  if (!steps.check('receipt', signed !== null, 'a receipt in the form that the network fixed') || !signed)
    return
  checkParties(steps, exchange, signed)
  const detail = checkDetail(steps, signed)
  if (detail) {
    checkExchange(steps, exchange, detail)
    checkPrice(steps, exchange, signed, detail)
  }
  checkNumbers(steps, signed, known)
  checkTime(steps, exchange, signed)
}

function readReceipt(json: ReceiptJson): SignedReceipt | null {
  try {
    return receiptFromJson(json)
  } catch {
    return null
  }
}

function checkParties(steps: StepList, exchange: Exchange, signed: SignedReceipt): void {
  const { receipt, chainId, contract } = signed
  steps.check(
    'receipt-domain',
    chainId === exchange.chainId && sameAddress(contract, exchange.contract),
    `chain ${exchange.chainId}, contract ${exchange.contract}`,
    `chain ${chainId}, contract ${contract}`,
  )
  const signer = recoverReceipt(signed)
  steps.check(
    'receipt-signature',
    signer !== null && sameAddress(signer, exchange.signer),
    `signed by the signer on chain, ${exchange.signer}`,
    signer ?? 'no valid signature',
  )
  steps.check('receipt-provider', sameAddress(receipt.provider, exchange.provider), 'names this provider')
  steps.check('receipt-user', sameAddress(receipt.user, exchange.user), 'names this user')
}

function checkDetail(steps: StepList, { receipt, detail }: SignedReceipt): ReceiptDetail | null {
  steps.check('detail-hash', sha256Text(detail) === receipt.detail, 'detail is the one that was signed')
  const parsed = parseReceiptDetail(detail)
  steps.check('detail-form', parsed !== null, 'detail is canonical JSON of a known version')
  return parsed
}

function checkExchange(steps: StepList, exchange: Exchange, detail: ReceiptDetail): void {
  steps.check('receipt-id', detail.id === exchange.id, 'receipt is for this answer')
  steps.check('receipt-request', detail.requestHash === exchange.requestHash, 'request is the one sent')
  checkSealed(steps, exchange, detail)
  steps.check(
    'receipt-response',
    detail.responseHash === exchange.responseHash && detail.responseBytes === exchange.responseBytes,
    'response is the one received',
  )
  steps.check('endpoint', detail.endpoint === exchange.endpoint, exchange.endpoint, detail.endpoint)
  steps.check('model', detail.model === exchange.model, `model ${exchange.model}`, detail.model)
  checkModelDigest(steps, exchange, detail)
  checkEvidence(steps, exchange, detail)
  checkStatus(steps, exchange, detail)
}

/** Both sides sealed it, or neither did, and they mean the same envelopes. */
function checkSealed(steps: StepList, { sealed }: Exchange, detail: ReceiptDetail): void {
  if (!sealed && !detail.sealed) return
  const isSame =
    sealed !== undefined &&
    detail.sealed?.requestHash === sealed.requestHash &&
    detail.sealed.responseHash === sealed.responseHash &&
    detail.sealed.stream === sealed.stream
  const detailText = sealed ? 'sealed as it was sent and received' : 'not sealed, as it was sent'
  steps.check('receipt-sealed', isSame, detailText)
}

function checkModelDigest(steps: StepList, { modelDigest }: Exchange, detail: ReceiptDetail): void {
  if (modelDigest !== null) {
    steps.check('model-digest', detail.modelDigest === modelDigest, 'weights are the ones announced')
  } else {
    const stated = detail.modelDigest ? `, stated now: ${detail.modelDigest}` : ''
    steps.notApplicable('model-digest', `the provider announced no weights${stated}`)
  }
}

function checkEvidence(steps: StepList, { evidence, isEvidenceOld }: Exchange, detail: ReceiptDetail): void {
  if (isEvidenceOld && detail.evidence !== evidence) {
    steps.missing('evidence', 'it names evidence that was made since the check, and that could not be had')
  } else if (evidence !== null) {
    steps.check('evidence', detail.evidence === evidence, 'evidence is the one that was checked')
  } else {
    steps.notApplicable('evidence', 'no evidence was checked for the signer')
  }
}

function checkStatus(steps: StepList, { ended }: Exchange, detail: ReceiptDetail): void {
  if (!steps.check('status', detail.status === ended, `the answer is ${ended}`, `billed as ${detail.status}`))
    return
  if (ended === 'partial') steps.missing('whole-answer', 'the answer was cut short')
}

function checkNumbers(steps: StepList, signed: SignedReceipt, known: KnownReceipts): void {
  const { seq, cumulative, fee } = signed.receipt
  const equivocates = known.same !== null && digestOf(known.same) !== digestOf(signed)
  steps.check('sequence', !equivocates, `no other receipt has the number ${seq}`)
  steps.check(
    'cumulative',
    cumulative >= fee + known.floor && (known.ceiling === null || cumulative <= known.ceiling),
    `total of ${format0G(cumulative)} 0G fits the other receipts`,
    known.ceiling !== null && cumulative > known.ceiling
      ? `a later one leaves at most ${format0G(known.ceiling)} 0G`
      : `at least ${format0G(fee + known.floor)} 0G was expected`,
  )
}

const digestOf = ({ chainId, contract, receipt }: SignedReceipt): Hex =>
  receiptDigest(chainId, contract, receipt)

function checkTime(steps: StepList, { now }: Exchange, { receipt }: SignedReceipt): void {
  const difference = Math.abs(receipt.issuedAt * 1000 - now)
  steps.check(
    'time',
    difference <= RECEIPT_CLOCK_TOLERANCE_MS,
    'issued when the answer ended, to a minute',
    `${Math.round(difference / 1000)} s apart`,
  )
}
