import { AppError } from '../../../base/errors.ts'
import type { Engine, EngineLogger, EngineModel } from '../engine.ts'
import { type EngineServer, listModels, type ServedKinds } from './listModels.ts'
import { probeTokenizer } from './tokenizers.ts'
import { UrlEngine } from './urlEngine.ts'

export interface UrlEngineOptions {
  /** The OpenAI-compatible base, for example `http://host:8000/v1`; `/v1` is added to a bare host. */
  readonly target: string
  /** Sent as a bearer token with every request. */
  readonly apiKey?: string
  /** Only these of the server's models; all of them by default. */
  readonly models?: readonly string[]
  /** Tokens per request, for a server that does not say. */
  readonly contextLength?: number
  /** What models serve that make no text, by id: `image`, `transcription`. */
  readonly serves?: ServedKinds
  readonly logger?: EngineLogger
}

/**
 * Uses an OpenAI-compatible server that somebody else runs (vLLM, llama-server, SGLang …). Its weights were not
 * hashed here, so its models have no digest.
 *
 * @throws AppError `engine_target_invalid`, `engine_unreachable`, `engine_refused`, `model_not_found`, `context_length_unknown`
 * @example
 * const engine = await attachUrlEngine({ target: 'http://127.0.0.1:8000/v1' })
 */
export async function attachUrlEngine(options: UrlEngineOptions): Promise<Engine> {
  const headers = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }
  const server: EngineServer = { baseUrl: readTarget(options.target), headers: Object.freeze(headers) }
  const models = pickModels(await listModels(server, options.contextLength, options.serves), options)
  const tokenizer = await probeTokenizer(server, models[0]?.id ?? '')
  return new UrlEngine(server, models, tokenizer, options.logger)
}

function readTarget(target: string): string {
  const url = URL.parse(target)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new AppError({
      code: 'engine_target_invalid',
      message: `${JSON.stringify(target)} is not an HTTP address of an engine.`,
      hint: 'Give the base of an OpenAI-compatible server, for example --target http://127.0.0.1:8000/v1.',
    })
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path === '' ? '/v1' : path}`
}

function pickModels(
  offered: readonly EngineModel[],
  { models, target }: UrlEngineOptions,
): readonly EngineModel[] {
  const wanted = models ?? offered.map((model) => model.id)
  return wanted.map((id) => {
    const model = offered.find((candidate) => candidate.id === id)
    if (model !== undefined) return model
    throw new AppError({
      code: 'model_not_found',
      message: `The engine at ${target} does not serve the model ${id}.`,
      hint: `It serves: ${offered.map((candidate) => candidate.id).join(', ')}.`,
    })
  })
}
