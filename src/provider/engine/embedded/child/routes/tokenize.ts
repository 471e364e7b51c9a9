import type { Token } from 'node-llama-cpp'
import { type EngineRequest, requireModel, sendJson } from '../engineRequest.ts'
import { optionalBoolean } from '../fields.ts'
import { chatTokens, embeddingTokens, textTokens } from '../prompt.ts'

/**
 * `POST /tokenize` in vLLM's shape, with the same code that builds the prompts of answers; `embedding` counts as
 * `/v1/embeddings` does.
 *
 * @see https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html#tokenizer-api
 */
export function tokenize(request: EngineRequest): void {
  requireModel(request)
  const tokens = readTokens(request)
  sendJson(request.response, 200, {
    count: tokens.length,
    max_model_len: request.loaded.contextLength,
    tokens,
  })
}

function readTokens({ loaded, body }: EngineRequest): Token[] {
  if (body.messages !== undefined)
    return chatTokens(loaded, body, optionalBoolean(body, 'add_generation_prompt') ?? true)
  if (optionalBoolean(body, 'embedding') === true) return embeddingTokens(loaded, body.prompt)
  return textTokens(loaded, body.prompt, optionalBoolean(body, 'add_special_tokens') ?? true)
}
