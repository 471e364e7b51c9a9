import { sha256 } from 'ethers/crypto'
import { type Address, sameAddress } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { sha256Text } from '../protocol/canonical.ts'
import {
  type ReceiptDetail,
  receiptFromJson,
  recoverReceipt,
  type SignedReceipt,
} from '../protocol/receipt.ts'
import { malformedEvidence } from './malformed.ts'
import { parseReceiptDetail } from './receiptDetail.ts'
import { countsMoreThanCame, feeByDetail } from './receiptFee.ts'
import { StepList, type Verdict } from './verdict.ts'

/** Who a receipt should be from and for; what is left out is not compared. */
export interface ExpectedReceipt {
  readonly chainId?: number
  /** The serving contract. */
  readonly contract?: Address
  readonly provider?: Address
  readonly user?: Address
  /** On chain, when the receipt was made. Without one nobody is known to stand behind the receipt. */
  readonly signer?: Address
  /** `evidence` of the provider's verdict. */
  readonly evidence?: string
  /** The body that was sent, as it left. */
  readonly request?: Uint8Array
  /** The body that came, after content decoding. */
  readonly response?: Uint8Array
}

/**
 * Judges a receipt by itself, offline: what it says of an exchange is compared with the bytes that are given.
 * @param json as brokers send it and stores keep it
 * @throws AppError `evidence_malformed` (exit 30) for what is no receipt
 * @example
 * const verdict = verifyReceipt(JSON.parse(text), { signer: service.teeSignerAddress })
 */
export function verifyReceipt(json: unknown, expected: ExpectedReceipt = {}): Verdict {
  const signed = read(json)
  const steps = new StepList()
  checkSignature(steps, signed, expected)
  checkParties(steps, signed, expected)
  const detail = checkDetail(steps, signed)
  if (detail) {
    checkFee(steps, signed, detail)
    if (expected.evidence !== undefined) {
      steps.check('evidence', detail.evidence === expected.evidence, 'evidence is the one that was checked')
    }
    checkBytes(steps, detail, expected)
  }
  return steps.verdict('none')
}

function checkSignature(steps: StepList, signed: SignedReceipt, { signer }: ExpectedReceipt): void {
  const recovered = recoverReceipt(signed)
  if (recovered !== null && signer === undefined) {
    steps.missing('receipt-signature', `signed by ${recovered}; whose key that is was not asked of the chain`)
    return
  }
  const isSigned = recovered !== null && signer !== undefined && sameAddress(recovered, signer)
  steps.check(
    'receipt-signature',
    isSigned,
    `signed by ${signer ?? 'somebody'}`,
    recovered ?? 'no valid signature',
  )
}

function checkParties(
  steps: StepList,
  { chainId, contract, receipt }: SignedReceipt,
  expected: ExpectedReceipt,
): void {
  const isHere =
    (expected.chainId === undefined || expected.chainId === chainId) &&
    (expected.contract === undefined || sameAddress(expected.contract, contract))
  steps.check(
    'receipt-domain',
    isHere,
    'made for this chain and contract',
    `chain ${chainId}, contract ${contract}`,
  )
  for (const party of ['provider', 'user'] as const) {
    const wanted = expected[party]
    if (wanted === undefined) continue
    steps.check(
      `receipt-${party}`,
      sameAddress(receipt[party], wanted),
      `names this ${party}`,
      receipt[party],
    )
  }
}

function checkDetail(steps: StepList, { receipt, detail }: SignedReceipt): ReceiptDetail | null {
  steps.check('detail-hash', sha256Text(detail) === receipt.detail, 'detail is the one that was signed')
  const parsed = parseReceiptDetail(detail)
  steps.check('detail-form', parsed !== null, 'detail is canonical JSON of a known version')
  return parsed
}

function checkFee(steps: StepList, { receipt }: SignedReceipt, detail: ReceiptDetail): void {
  const fee = feeByDetail(detail)
  const found = fee === null ? 'no price for what was counted' : `that is ${format0G(fee)} 0G`
  steps.check('fee', fee === receipt.fee, `fee of ${format0G(receipt.fee)} 0G is counts times prices`, found)
  steps.check('counts', !countsMoreThanCame(detail), 'no more tokens than bytes were delivered')
  steps.check('cumulative', receipt.cumulative >= receipt.fee, 'the total holds the fee')
}

function checkBytes(steps: StepList, detail: ReceiptDetail, { request, response }: ExpectedReceipt): void {
  if (request) {
    steps.check('receipt-request', sha256Hex(request) === detail.requestHash, 'request is the one given')
  }
  if (response) {
    const isSame = sha256Hex(response) === detail.responseHash && response.length === detail.responseBytes
    steps.check('receipt-response', isSame, 'response is the one given')
  }
}

const sha256Hex = (bytes: Uint8Array): string => sha256(bytes).slice(2)

function read(json: unknown): SignedReceipt {
  try {
    return receiptFromJson(json)
  } catch (error) {
    throw malformedEvidence('it is no receipt', error)
  }
}
