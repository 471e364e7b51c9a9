import type { PromptBody } from '../engine.ts'
import {
  countPromptTokens,
  countTextTokens,
  postJson,
  promptItems,
  type TokenizeEndpoint,
} from '../tokenizeEndpoint.ts'

/** How to count tokens at one kind of server. */
export interface Tokenizer {
  countPrompt(body: PromptBody): Promise<number | undefined>
  countText(model: string, text: string): Promise<number | undefined>
}

/**
 * Asks once which tokenizer endpoint a server has: vLLM's and SGLang's (`count`), llama-server's (`tokens` alone),
 * or none.
 */
export async function probeTokenizer(
  endpoint: TokenizeEndpoint,
  model: string,
): Promise<Tokenizer | undefined> {
  const answer = await postJson(endpoint, '/tokenize', { model, prompt: 'a', content: 'a' }).catch(
    () => undefined,
  )
  if (typeof answer !== 'object' || answer === null) return undefined
  if ('count' in answer && typeof answer.count === 'number') return vllmTokenizer(endpoint)
  return 'tokens' in answer && Array.isArray(answer.tokens) ? llamaServerTokenizer(endpoint) : undefined
}

/** Of servers with vLLM's `/tokenize`, as our own child has it. */
export function vllmTokenizer(endpoint: TokenizeEndpoint): Tokenizer {
  return {
    countPrompt: (body) => countPromptTokens(endpoint, body),
    countText: (model, text) => countTextTokens(endpoint, model, text),
  }
}

/** @see https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, `/tokenize` and `/apply-template` */
function llamaServerTokenizer(endpoint: TokenizeEndpoint): Tokenizer {
  const count = async (content: unknown, isPrompt: boolean): Promise<number | undefined> => {
    if (Array.isArray(content)) return content.length
    const body = { content, add_special: isPrompt, parse_special: isPrompt }
    const answer = await postJson(endpoint, '/tokenize', body)
    if (typeof answer !== 'object' || answer === null || !('tokens' in answer)) return undefined
    return Array.isArray(answer.tokens) ? answer.tokens.length : undefined
  }
  return {
    countText: (_model, text) => count(text, false),
    countPrompt: async ({ messages, tools, prompt, input }) => {
      if (messages === undefined) return sum(promptItems(prompt ?? input).map((item) => count(item, true)))
      const rendered = await renderTemplate(endpoint, messages, tools)
      return rendered === undefined ? undefined : count(rendered, true)
    },
  }
}

async function renderTemplate(
  endpoint: TokenizeEndpoint,
  messages: unknown,
  tools: unknown,
): Promise<string | undefined> {
  const body = { messages, ...(tools !== undefined && { tools }) }
  const answer = await postJson(endpoint, '/apply-template', body)
  if (typeof answer !== 'object' || answer === null || !('prompt' in answer)) return undefined
  return typeof answer.prompt === 'string' ? answer.prompt : undefined
}

async function sum(counts: readonly Promise<number | undefined>[]): Promise<number | undefined> {
  let total = 0
  for (const count of await Promise.all(counts)) {
    if (count === undefined) return undefined
    total += count
  }
  return total
}
