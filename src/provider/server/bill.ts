import { outputBound } from '../../protocol/generated.ts'
import type { Counts } from '../../protocol/pricing.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Delivered, Exchange } from '../ledger/ledger.ts'
import type { AnswerContext } from './whole.ts'

/** What an answer comes to by the engine's own word, and the bytes that bound it. */
export interface Metered {
  readonly stated: Counts
  /** Of what was generated and delivered; 0 where no tokens are sold. @see AnswerMeter.generatedBytes */
  readonly generatedBytes: number
}

/** What was handed to the socket. */
export type Part = Omit<Delivered, 'counts'>

/** Charges an answer, or what there is of it. */
export async function charge(
  context: AnswerContext,
  metered: Metered,
  part: Part,
  status: 'complete' | 'partial',
): Promise<{ readonly counts: Counts; readonly receipt: SignedReceipt }> {
  const counts = boundedCounts(metered, context)
  warnOfExcess(context, metered.stated, counts)
  const receipt = await context.ledger.charge(priced(context, counts), { ...part, counts }, status)
  return { counts, receipt }
}

/** Remembers what an answer under way comes to so far. */
export function checkpoint(context: AnswerContext, metered: Metered, part: Part): Promise<void> {
  const counts = boundedCounts(metered, context)
  return context.ledger.checkpoint(priced(context, counts), { ...part, counts })
}

/**
 * An engine may be another's, or wrong: it counts at most what was set aside for the request, which its account can
 * pay, and what its client will believe for the bytes that were delivered. Of the prompt, cached tokens go first.
 */
export function boundedCounts(
  { stated, generatedBytes }: Metered,
  { request, promptTokens }: Pick<AnswerContext, 'request' | 'promptTokens'>,
): Counts {
  if (request.most) return stated
  const { input = 0, cachedInput, output = 0 } = stated
  const cached = Math.min(cachedInput ?? 0, promptTokens)
  return {
    input: Math.min(input, promptTokens - cached),
    ...(cachedInput !== undefined && { cachedInput: cached }),
    output: Math.min(output, outputBound(request.maxOutputTokens, generatedBytes)),
  }
}

/** The exchange with what is charged of its prices, by what was counted. */
function priced({ exchange, request, multipliersFor }: AnswerContext, counts: Counts): Exchange {
  return { ...exchange, multipliers: multipliersFor(request.most ? null : promptIn(counts)) }
}

function warnOfExcess({ log, exchange }: AnswerContext, stated: Counts, counts: Counts): void {
  const prompt = promptIn(stated) - promptIn(counts)
  const output = (stated.output ?? 0) - (counts.output ?? 0)
  if (prompt + output === 0) return
  const { id, model } = exchange
  log.warn('engine_overcounted', { id, model, promptNotCharged: prompt, outputNotCharged: output })
}

const promptIn = ({ input = 0, cachedInput = 0 }: Counts): number => input + cachedInput
