import { isUnattested } from '../../attestation/signers.ts'
import { format0G } from '../../base/units.ts'
import type { ChatMessage } from '../../client/chatRequest.ts'
import type { PurchaseHooks, PurchaseRequest } from '../../client/purchase/purchase.ts'
import type { Context } from '../framework/context.ts'
import type { Progress } from '../framework/output.ts'
import { failoverText } from './failover.ts'
import { fundingHooks } from './funding.ts'

const STAGES = {
  discover: 'Finding a provider',
  fund: 'Looking after the money',
  send: 'Waiting for the answer',
  verify: 'Verifying',
}

/** More than a token of usual text has. How few tokens a text may come to is not known, so nothing is refused here. */
const BYTES_A_TOKEN = 8

type Asked = Pick<PurchaseRequest, 'maxCost'> & { readonly messages?: readonly ChatMessage[] }

const textOf = ({ content }: ChatMessage): string =>
  typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** Says who is asked for at most how much, and what is being done. On mainnet an answer without a limit is asked about. */
export function purchaseHooks(
  context: Context,
  progress: Progress,
  { maxCost, messages = [] }: Asked,
): PurchaseHooks {
  const { out, network } = context
  let hasFailed = false
  return {
    ...fundingHooks(context, progress),
    onStage: (stage) => progress.update(STAGES[stage]),
    // Of the last the error itself tells, unless others failed before: then it is that of the first.
    onFailover: (offer, error, next) => {
      if (next !== null || hasFailed) out.note(failoverText(offer, error, next))
      hasFailed = true
    },
    onOffer: async ({ service, model, contextLength }, worst) => {
      out.note(out.notePaint.dim(`${model} at ${service.provider}, at most ${format0G(worst)} 0G`))
      const bytes = Buffer.byteLength(messages.map(textOf).join(''))
      if (contextLength !== null && bytes > contextLength * BYTES_A_TOKEN)
        out.warn(
          `${model} reads ${contextLength} tokens at a time, and this is ${bytes} bytes of text: it will hardly take it`,
        )
      if (isUnattested(service))
        out.note('This provider has no TEE: it can read the request, and nothing proves its answer')
      if (network.kind !== 'mainnet' || maxCost !== undefined) return
      progress.stop()
      await context.confirmSpending('The answer costs at most', worst)
    },
  }
}
