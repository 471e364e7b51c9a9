import { type Address, type Hex, sameAddress } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { sha256Text } from '../protocol/canonical.ts'
import type { SealedHashes } from '../protocol/e2ee/index.ts'
import { type Counts, feeOf, type Prices, type UnitClass } from '../protocol/pricing.ts'
import {
  type ReceiptDetail,
  type ReceiptJson,
  receiptDigest,
  receiptFromJson,
  recoverReceipt,
  type SignedReceipt,
} from '../protocol/receipt.ts'
import { proofTextOf, recoverTextProof, type TextProof } from '../protocol/textProof.ts'
import { parseReceiptDetail } from './receiptDetail.ts'
import { type Assurance, StepList, type Verdict } from './verdict.ts'

/** What other receipts of the same user and provider say about the numbers that this one may carry. */
export interface KnownReceipts {
  /** Highest cumulative, in neuron, among known receipts with a lower number; 0 when there is none. */
  readonly floor: bigint
  /** Lowest cumulative less fee, in neuron, among known receipts with a higher number. */
  readonly ceiling: bigint | null
  /** A known receipt with the same number. */
  readonly same: SignedReceipt | null
}

export const NOTHING_KNOWN: KnownReceipts = { floor: 0n, ceiling: null, same: null }

/** The exchange as the client saw it, and what it agreed to. Nothing here comes from the provider's proof. */
export interface Exchange {
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
  readonly user: Address
  /** On chain: who signs receipts. */
  readonly signer: Address
  /** Who signs the text, where that is another enclave than the broker's. */
  readonly textSigner?: Address
  /** From the response header `ZG-Res-Key`. */
  readonly id: string
  readonly endpoint: string
  readonly model: string
  /** Digest of the weights that the provider announced; null where it announced none. */
  readonly modelDigest: string | null
  /** sha256 of the request bytes as sent, 64 hex digits. */
  readonly requestHash: string
  /** Of the content-decoded response bytes. */
  readonly responseHash: string
  readonly responseBytes: number
  /** What stands for both in the signed text, where they were sealed to the enclave. */
  readonly sealed?: SealedHashes
  /** Whether the answer came to its own end. */
  readonly ended: 'complete' | 'partial'
  /** Highest prices agreed to, neuron per unit. Without one for `cachedInput`, that of `input` holds. */
  readonly prices: Prices
  /** The same for a prompt of so many tokens, where longer ones were agreed to cost more. */
  readonly pricesFor?: (promptTokens: number) => Prices
  /** The most that may be counted for what was sent and delivered. */
  readonly bounds: { readonly input: number; readonly output: number; readonly image?: number }
  /** sha256 of the evidence that was checked for the signer; null where none was. */
  readonly evidence: string | null
  /** Client's clock when the answer ended, ms. */
  readonly now: number
}

export interface AnswerProof {
  readonly text: TextProof | null
  /** As the broker sent it; anything else than a receipt fails. */
  readonly receipt: ReceiptJson | null
}

/** A receipt's time and the client's clock may differ by this much, ms. */
export const RECEIPT_CLOCK_TOLERANCE_MS = 60_000

/**
 * Decides whether an answer is what its proof says and costs what was agreed. Pure: no HTTP, no clock.
 *
 * Rejected when anything contradicts; incomplete when a proof is missing or the answer was cut short.
 * @param assurance what the check of the provider came to: it says who holds the key, this only that it signed
 */
export function verifyAnswer(
  exchange: Exchange,
  proof: AnswerProof,
  known: KnownReceipts,
  assurance: Assurance,
): Verdict {
  const steps = new StepList()
  checkText(steps, exchange, proof.text)
  checkReceipt(steps, exchange, proof.receipt, known)
  return steps.verdict(assurance)
}

function checkText(steps: StepList, exchange: Exchange, proof: TextProof | null): void {
  if (!proof) {
    steps.missing('text-signature', 'the provider gave no signature for this answer')
    return
  }
  const expected = exchange.textSigner ?? exchange.signer
  const signer = isTextProof(proof) ? recoverTextProof(proof) : null
  steps.check(
    'text-signature',
    signer !== null && sameAddress(signer, expected),
    `signed by the signer on chain, ${expected}`,
    signer ?? 'no valid signature',
  )
  const { sealed } = exchange
  // Before the hashes of sealed bodies stands what they are of.
  const [requestHash = '', responseHash = ''] = String(proof.text)
    .split(':')
    .slice(sealed ? 1 : 0)
  const wanted = sealed ?? exchange
  const signed = { requestHash, responseHash }
  if (requestHash !== wanted.requestHash && isOtherEnclave(exchange)) {
    steps.missing('request-hash', UNBOUND)
  } else {
    steps.check('request-hash', requestHash === wanted.requestHash, 'signed request is the one sent')
  }
  steps.check(
    'response-hash',
    responseHash === wanted.responseHash &&
      proof.text === proofTextOf(sealed ? { ...signed, sealed: { ...sealed, ...signed } } : signed),
    'signed response is the one received',
  )
}

/** Whether the text is signed where the model runs, behind a broker that may say a request in other words. */
const isOtherEnclave = ({ textSigner, signer }: Exchange): boolean =>
  textSigner !== undefined && !sameAddress(textSigner, signer)

const UNBOUND =
  "the model's own server signed what the provider passed on to it, which is not byte for byte what was sent: this proof cannot bind the request"

/** A broker may send anything: its words are typed only after this. */
const isTextProof = (proof: TextProof): boolean =>
  typeof proof.text === 'string' && typeof proof.signature === 'string'

function checkReceipt(
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

function checkEvidence(steps: StepList, { evidence }: Exchange, detail: ReceiptDetail): void {
  if (evidence !== null) {
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

function checkPrice(
  steps: StepList,
  exchange: Exchange,
  { receipt }: SignedReceipt,
  detail: ReceiptDetail,
): void {
  const prices = pricesOf(detail)
  const dearer = (Object.keys(prices) as UnitClass[]).filter((unit) =>
    isDearer(unit, prices, detail, exchange),
  )
  steps.check('prices', dearer.length === 0, 'not above the prices agreed to', `${dearer.join(', ')} dearer`)
  const fee = tryFee(detail.counts, prices, detail)
  steps.check(
    'fee',
    fee === receipt.fee,
    `fee of ${format0G(receipt.fee)} 0G is counts times prices`,
    fee === null ? 'no price for what was counted' : `that is ${format0G(fee)} 0G`,
  )
  const { input = 0, cachedInput = 0, output = 0, image = 0, second = 0 } = detail.counts
  const { bounds } = exchange
  steps.check(
    'counts',
    input + cachedInput <= bounds.input &&
      output <= bounds.output &&
      image <= (bounds.image ?? 0) &&
      second === 0,
    `at most ${describe(bounds.input, bounds.output, bounds.image)} for what was sent and delivered`,
    `${describe(input + cachedInput, output, image)} were counted`,
  )
}

const describe = (input: number, output: number, image = 0): string =>
  image > 0 ? `${image} images` : `${input} tokens in and ${output} out`

/** Whether a unit's price times its multiplier is above what was agreed, compared without rounding. */
function isDearer(unit: UnitClass, prices: Prices, detail: ReceiptDetail, exchange: Exchange): boolean {
  const { input = 0, cachedInput = 0 } = detail.counts
  const agreed = exchange.pricesFor?.(input + cachedInput) ?? exchange.prices
  const limit = agreed[unit] ?? (unit === 'cachedInput' ? agreed.input : undefined) ?? 0n
  const [numerator, denominator] = detail.multipliers[unit] ?? [1, 1]
  return prices[unit]! * BigInt(numerator) > limit * BigInt(denominator)
}

const pricesOf = ({ prices }: ReceiptDetail): Prices =>
  Object.fromEntries(Object.entries(prices).map(([unit, price]) => [unit, BigInt(price)]))

function tryFee(counts: Counts, prices: Prices, { multipliers }: ReceiptDetail): bigint | null {
  try {
    return feeOf(counts, prices, multipliers)
  } catch {
    return null
  }
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
