import { parseReceiptDetail } from '../../attestation/receiptDetail.ts'
import type { StoredReceipt } from '../../client/receipts/receiptStore.ts'
import { receiptToJson } from '../../protocol/receipt.ts'

/** A stored receipt for programs: what was signed, as it was signed, and what became of the check. */
export const receiptObject = ({ signed, source, outcome, savedAt }: StoredReceipt): object => ({
  ...receiptToJson(signed),
  source,
  outcome,
  savedAt,
})

/** Id of the answer that a receipt is for, or an empty text. */
export const answerIdOf = ({ signed }: StoredReceipt): string => parseReceiptDetail(signed.detail)?.id ?? ''
