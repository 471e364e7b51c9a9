import { parseReceiptDetail } from '../attestation/receiptDetail.ts'
import { AppError, EXIT } from '../base/errors.ts'
import { sameAddress } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import type { StoredReceipt } from '../client/receipts/receiptStore.ts'
import { recoverReceipt } from '../protocol/receipt.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { answerIdOf, receiptObject } from './render/receipt.ts'

export const command: CommandDefinition = {
  args: [['<id>', "the answer's id, or its beginning"]],
  examples: ['0g-compute receipts show 3f1c', '0g-compute receipts show 3f1c --json > receipt.json'],
  async run(context, input) {
    const id = input
      .required(0)
      .replace(/^chatcmpl-/, '')
      .toLowerCase()
    const compute = await context.compute()
    const found = (await compute.receipts()).filter((stored) => answerIdOf(stored).startsWith(id))
    if (found.length !== 1) throw notOne(id, found.length)
    context.out.report(receiptObject(found[0]!), () => render(found[0]!))
    return undefined
  },
}

function render({ signed, outcome, source }: StoredReceipt): string {
  const { receipt } = signed
  const detail = parseReceiptDetail(signed.detail)
  const counts = Object.entries(detail?.counts ?? {}).map(([unit, count]) => `${count} ${unit}`)
  return [
    `answer      ${detail?.id}`,
    `issued      ${new Date(receipt.issuedAt * 1000).toISOString()}, number ${receipt.seq}`,
    `provider    ${receipt.provider}${isSelfSigned(signed) ? ', signed by itself: it has no TEE' : ''}`,
    `model       ${detail?.model}${detail?.modelDigest ? ` (weights ${detail.modelDigest})` : ''}`,
    `counted     ${counts.join(', ')}${detail?.status === 'partial' ? ', cut short' : ''}`,
    `fee         ${format0G(receipt.fee)} 0G`,
    `total       ${format0G(receipt.cumulative)} 0G charged by this provider so far`,
    `request     sha256`,
    `            ${detail?.requestHash}`,
    `response    sha256, ${detail?.responseBytes} bytes`,
    `            ${detail?.responseHash}`,
    `verdict     ${outcome ?? `none: from the ${source}`}`,
    `signature   ${signed.signature.slice(0, 66)}`,
    `            ${signed.signature.slice(66)}`,
  ].join('\n')
}

/** A provider without a TEE signs with its account's own key. */
const isSelfSigned = (signed: StoredReceipt['signed']): boolean =>
  sameAddress(recoverReceipt(signed) ?? '', signed.receipt.provider)

const notOne = (id: string, count: number): AppError =>
  new AppError({
    code: count === 0 ? 'receipt_unknown' : 'receipt_ambiguous',
    message: count === 0 ? `No receipt here begins with "${id}"` : `${count} receipts begin with "${id}"`,
    hint: count === 0 ? 'An audit fetches those that are missing here' : 'Give more of the id',
    next: count === 0 ? '0g-compute receipts audit' : '0g-compute receipts list',
    exitCode: count === 0 ? EXIT.failed : EXIT.usage,
  })
