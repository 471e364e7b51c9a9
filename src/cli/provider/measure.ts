import type { Engine } from '../../provider/engine/engine.ts'

export interface Measured {
  readonly model: string
  /** Answer tokens a second of all requests together. */
  readonly tokensPerSecond: number
  /** Prompt tokens of the same requests, a second. */
  readonly promptTokensPerSecond: number
  readonly atOnce: number
}

const AT_ONCE = 4
const ANSWER_TOKENS = 64
const PROMPT =
  'Explain in a few paragraphs how a neuron works, how it is connected, and what follows from it.'

/** What the engine can sell a second: some requests at once, as customers send them. Null for no chat model. */
export async function measureEngine(engine: Engine): Promise<Measured | null> {
  const model = engine.models.find(({ kinds }) => kinds.includes('chat'))
  if (!model) return null
  await ask(engine, model.id, 1)
  const startedAt = performance.now()
  const usages = await Promise.all(
    Array.from({ length: AT_ONCE }, () => ask(engine, model.id, ANSWER_TOKENS)),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const total = (unit: 'prompt_tokens' | 'completion_tokens') =>
    usages.reduce((sum, usage) => sum + (usage[unit] ?? 0), 0) / seconds
  return {
    model: model.id,
    tokensPerSecond: total('completion_tokens'),
    promptTokensPerSecond: total('prompt_tokens'),
    atOnce: AT_ONCE,
  }
}

async function ask(engine: Engine, model: string, tokens: number) {
  const lease = engine.lease?.(model, new Set())
  const { baseUrl, headers } = lease?.engine ?? engine
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: PROMPT }], max_tokens: tokens }),
    signal: AbortSignal.timeout(120_000),
  }).finally(() => lease?.release())
  if (!response.ok) throw new Error(`the engine answers ${response.status}`)
  const { usage = {} } = (await response.json()) as {
    usage?: { prompt_tokens?: number; completion_tokens?: number }
  }
  return usage
}
