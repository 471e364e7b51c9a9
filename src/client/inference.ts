import type { Address } from '../base/hex.ts'
import type { Answer } from './answer.ts'
import { type ChatMessage, chatBody } from './chatRequest.ts'
import type { PurchaseHooks, Purchases } from './purchase/purchases.ts'
import type { Preferences } from './routing/preferences.ts'

export interface InferenceRequest {
  readonly messages: readonly ChatMessage[]
  /** Default: the best by `preferences`. */
  readonly provider?: Address
  /** Default: what that provider sells. */
  readonly model?: string
  readonly preferences?: Preferences
  readonly maxTokens?: number
  readonly temperature?: number
  /** As OpenAI's API has it. */
  readonly responseFormat?: object
  readonly tools?: readonly object[]
  /** Neuron; nothing is sent when the answer could cost more. */
  readonly maxCost?: bigint
  /** Sealed to the enclave: `true` or nothing is sent, `false` never; default where its key is proven. */
  readonly private?: boolean
  /** Default true: text comes as it is made. */
  readonly stream?: boolean
  readonly signal?: AbortSignal
}

export type InferenceHooks = PurchaseHooks

/**
 * One paid answer to a chat. Yields its text as it comes; returns the answer with its verdict, also when that is
 * `rejected`.
 * @throws AppError among others `provider_unknown`, `model_unknown`, `provider_rejected`, `max_cost_exceeded`,
 * `funding_needed`, `insufficient_funds`, `price_changed`, `answer_cut`
 */
export async function* chat(
  purchases: Purchases,
  request: InferenceRequest,
  hooks: InferenceHooks = {},
): AsyncGenerator<string, Answer> {
  const { provider, model, preferences, maxCost, signal, stream = true, ...parameters } = request
  const { pieces } = await purchases.buy(
    {
      endpoint: '/v1/chat/completions',
      body: chatBody({ ...parameters, stream }),
      limitsTokens: true,
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      ...(preferences && { preferences }),
      ...(maxCost !== undefined && { maxCost }),
      ...(parameters.private !== undefined && { private: parameters.private }),
      ...(signal && { signal }),
    },
    hooks,
  )
  try {
    for (let step = await pieces.next(); ; step = await pieces.next()) {
      if (step.done) return step.value
      if (step.value.text) yield step.value.text
    }
  } finally {
    await pieces.return(undefined as never)
  }
}
