import {
  type Receipt,
  type ReceiptJson,
  receiptDigest,
  receiptFromJson,
  receiptToJson,
} from '../../src/protocol/receipt.ts'
import { signDigest } from '../../src/protocol/signature.ts'
import type { World } from './world.ts'

/** A receipt in which the enclave's key says something else than it said. */
export function equivocate({ tee }: World, json: ReceiptJson, change: Partial<Receipt>): ReceiptJson {
  const { chainId, contract, receipt, detail } = receiptFromJson(json)
  const other = { ...receipt, ...change }
  const signature = signDigest(tee.signerKey, receiptDigest(chainId, contract, other))
  return receiptToJson({ chainId, contract, receipt: other, detail, signature })
}
