import { format0G } from '../base/units.ts'
import type { Prices, UnitClass } from '../protocol/pricing.ts'
import type { ReceiptDetail, SignedReceipt } from '../protocol/receipt.ts'
import type { Bounds, Exchange } from './exchange.ts'
import { feeByDetail, pricesOf } from './receiptFee.ts'
import type { StepList } from './verdict.ts'

/** The fee is counts times prices, neither above what was agreed to. */
export function checkPrice(
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
  const fee = feeByDetail(detail)
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
      second <= (bounds.second ?? 0),
    `at most ${describe(bounds)} for what was sent and delivered`,
    `${describe({ input: input + cachedInput, output, image, second })} were counted`,
  )
}

function describe({ input, output, image = 0, second = 0 }: Bounds): string {
  if (image > 0) return `${image} images`
  return second > 0 ? `${second} seconds` : `${input} tokens in and ${output} out`
}

/** Whether a unit's price times its multiplier is above what was agreed, compared without rounding. */
function isDearer(unit: UnitClass, prices: Prices, detail: ReceiptDetail, exchange: Exchange): boolean {
  const { input = 0, cachedInput = 0 } = detail.counts
  const agreed = exchange.pricesFor?.(input + cachedInput) ?? exchange.prices
  const limit = agreed[unit] ?? (unit === 'cachedInput' ? agreed.input : undefined) ?? 0n
  const [numerator, denominator] = detail.multipliers[unit] ?? [1, 1]
  return prices[unit]! * BigInt(numerator) > limit * BigInt(denominator)
}
