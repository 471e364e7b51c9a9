import { parseReceiptDetail } from '../attestation/receiptDetail.ts'
import { format0G } from '../base/units.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { answerIdOf, receiptObject } from './render/receipt.ts'

export const command: CommandDefinition = {
  options: [
    ['--provider <address>', 'of this provider only'],
    ['--limit <count>', 'the newest so many (default 20)'],
    WIDE,
  ],
  examples: ['0g-compute receipts list', '0g-compute receipts list --limit 1000 --json'],
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const all = await compute.receipts(input.address('provider'))
    const shown = all.slice(-(input.integer('limit', 1) ?? 20))
    const rows = shown.map((stored) => {
      const { receipt, detail } = stored.signed
      return [
        answerIdOf(stored),
        new Date(receipt.issuedAt * 1000).toISOString().slice(0, 19).replace('T', ' '),
        parseReceiptDetail(detail)?.model ?? '',
        format0G(receipt.fee),
        stored.outcome ?? 'from audit',
      ]
    })
    const table =
      out.json || rows.length === 0
        ? ''
        : await out.table(['answer', 'when', 'model', 'fee 0G', 'verdict'], rows)
    out.result({ total: all.length, receipts: shown.map(receiptObject) }, () => table || 'No receipts yet.')
    out.next(all.length > 0 ? '0g-compute receipts audit' : '0g-compute infer "…"')
    return undefined
  },
}
