import { request } from 'undici'
import { AppError } from '../../../base/errors.ts'
import type { EngineModel, EngineModelKind } from '../engine.ts'
import type { TokenizeEndpoint } from '../tokenizeEndpoint.ts'

export type EngineServer = TokenizeEndpoint

const TIMEOUT = 5_000
/** The OpenAI API does not say what a model can do; the engine refuses what it cannot. */
const ANY_KIND = ['chat', 'completion', 'embedding', 'messages'] as const

/** What models serve that are not priced by the token, by id. */
export type ServedKinds = Readonly<Record<string, readonly EngineModelKind[]>>

/**
 * The models of a server, from `GET /v1/models`.
 *
 * @param contextLength overrides what the server says
 * @param serves what models are for that are asked for no text: they have no context
 * @throws AppError `engine_unreachable`, `engine_refused`, `context_length_unknown`
 */
export async function listModels(
  server: EngineServer,
  contextLength?: number,
  serves: ServedKinds = {},
): Promise<readonly EngineModel[]> {
  const entries = await fetchModels(server)
  const lengthOf = (entry: ModelEntry): number | undefined =>
    readContextLength(entry) ?? lengthOfParent(entry, entries)
  return entries.map((entry) => {
    const kinds = Object.hasOwn(serves, entry.id) ? serves[entry.id] : undefined
    if (kinds) return Object.freeze({ id: entry.id, digest: null, contextLength: 0, kinds })
    const length = contextLength ?? lengthOf(entry)
    if (length === undefined) throw contextLengthUnknown(server, entry.id)
    return Object.freeze({ id: entry.id, digest: null, contextLength: length, kinds: ANY_KIND })
  })
}

/** @throws AppError `engine_unreachable`, `engine_refused` */
export async function fetchModels({ baseUrl, headers }: EngineServer): Promise<readonly ModelEntry[]> {
  const { status, body } = await getJson(`${baseUrl}/models`, headers)
  if (status === 401 || status === 403) throw refused(baseUrl, status)
  const data = isRecord(body) ? body.data : undefined
  if (status !== 200 || !Array.isArray(data))
    throw unreachable(baseUrl, `it answered ${status} to GET /models, without a list of models`)
  return data.filter(isModelEntry)
}

interface ModelEntry extends Record<string, unknown> {
  readonly id: string
}

/** vLLM and SGLang say `max_model_len`, llama-server `meta.n_ctx` or what the model was trained on. */
function readContextLength(entry: ModelEntry): number | undefined {
  const meta = isRecord(entry.meta) ? entry.meta : {}
  return [entry.max_model_len, meta.n_ctx, meta.n_ctx_train].find(
    (value): value is number => typeof value === 'number' && value > 0,
  )
}

/** vLLM says of an adapter only whose it is. */
function lengthOfParent({ parent }: ModelEntry, entries: readonly ModelEntry[]): number | undefined {
  const base = entries.find(({ id, root }) => parent !== undefined && (id === parent || root === parent))
  return base && readContextLength(base)
}

async function getJson(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; body: unknown }> {
  try {
    const response = await request(url, { headers, headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT })
    const text = await response.body.text()
    return { status: response.statusCode, body: tryParse(text) }
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it did not answer'
    throw unreachable(url, reason, cause)
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isModelEntry(value: unknown): value is ModelEntry {
  return isRecord(value) && typeof value.id === 'string'
}

function unreachable(url: string, reason: string, cause?: unknown): AppError {
  return new AppError({
    code: 'engine_unreachable',
    message: `The engine at ${url} cannot be used: ${reason}.`,
    hint: 'Start it, or check host, port and path: the base of an OpenAI-compatible server ends in /v1.',
    next: '0g-compute provider check',
    retryable: true,
    status: 503,
    cause,
  })
}

function refused(url: string, status: number): AppError {
  return new AppError({
    code: 'engine_refused',
    message: `The engine at ${url} refuses the key (${status}).`,
    hint: 'Give the key that the engine was started with.',
    status: 503,
  })
}

function contextLengthUnknown({ baseUrl }: EngineServer, model: string): AppError {
  return new AppError({
    code: 'context_length_unknown',
    message: `The engine at ${baseUrl} does not say how many tokens ${model} takes.`,
    hint: 'Give the context length: without it a request cannot be priced before it is forwarded.',
  })
}
