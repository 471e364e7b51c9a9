import { format0G } from '../../base/units.ts'
import type { Answer } from '../../client/answer.ts'
import { assertNotFalse } from '../../client/answer.ts'
import type { ChatMessage } from '../../client/chatRequest.ts'
import type { InferenceRequest } from '../../client/inference.ts'
import { feeIn } from '../../client/proxy/feeIn.ts'
import type { Arguments, Desk, Tool } from './tool.ts'

const MAX_TOKENS = 1024

/** One paid, verified answer. */
export const infer: Tool = {
  name: 'infer',
  description: `Ask a language model on the 0G Compute Network. The answer is paid for from the user's wallet within the
budget of this session, and verified: an answer that contradicts the provider's proof is an error. "verdict" says
accepted or incomplete. Call "models" for what there is.`,
  inputSchema: {
    type: 'object',
    properties: {
      prompt: { type: 'string', description: 'the question' },
      system: { type: 'string', description: 'system prompt' },
      model: { type: 'string', description: 'default: that of the cheapest provider' },
      provider: { type: 'string', description: 'address; default: the best that has the model' },
      max_tokens: { type: 'integer', minimum: 1, description: `of the answer; default ${MAX_TOKENS}` },
    },
    required: ['prompt'],
    additionalProperties: false,
  },
  readOnly: false,
  async run(desk, args, signal) {
    let settle: (fee: bigint | null) => void = () => {}
    try {
      const answer = await desk.compute.infer(requestOf(desk, args, signal), {
        ...desk.funding,
        onOffer: (_offer, worst) => {
          settle = desk.budget.reserve(worst)
        },
        onAttemptFailed: (_offer, error, wasSent) => settle(wasSent ? feeIn(error) : 0n),
      })
      settle(answer.fee)
      assertNotFalse(answer)
      return describe(desk, answer)
    } catch (error) {
      settle(feeIn(error))
      throw error
    }
  },
}

function requestOf(desk: Desk, args: Arguments, signal: AbortSignal): InferenceRequest {
  const system = args.text('system')
  const model = args.text('model')
  const provider = desk.provider ?? args.address('provider')
  const messages: ChatMessage[] = [
    ...(system !== undefined ? [{ role: 'system', content: system } as const] : []),
    { role: 'user', content: args.required('prompt') },
  ]
  return {
    messages,
    stream: false,
    maxTokens: args.count('max_tokens') ?? MAX_TOKENS,
    preferences: desk.preferences,
    signal,
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider }),
    ...(desk.maxCost !== undefined && { maxCost: desk.maxCost }),
  }
}

const describe = ({ budget }: Desk, answer: Answer): object => ({
  text: answer.text,
  model: answer.model,
  provider: answer.provider,
  verdict: answer.verdict.outcome,
  assurance: answer.verdict.assurance,
  cost: answer.fee === null ? null : `${format0G(answer.fee)} 0G`,
  budgetLeft: `${format0G(budget.left)} 0G`,
  receipt: answer.id,
})
