import { request } from 'undici'
import { AppError, EXIT } from '../../../base/errors.ts'
import type { EngineKind } from '../engine.ts'
import type { TokenizeEndpoint } from '../tokenizeEndpoint.ts'

/** Loading reads a file from the disk and may wait for requests that run. */
const TIMEOUT_MS = 120_000

/**
 * Has a running vLLM serve an adapter under a name.
 * @param path a folder as PEFT writes it
 * @throws AppError `adapter_refused`, `engine_unreachable`
 * @see https://docs.vllm.ai/en/latest/features/lora/
 */
export const loadIntoVllm = (server: TokenizeEndpoint, name: string, path: string): Promise<void> =>
  post(server, 'load_lora_adapter', { lora_name: name, lora_path: path })

/** @throws AppError `adapter_refused`, `engine_unreachable` */
export const unloadFromVllm = (server: TokenizeEndpoint, name: string): Promise<void> =>
  post(server, 'unload_lora_adapter', { lora_name: name })

async function post(
  { baseUrl, headers }: TokenizeEndpoint,
  action: string,
  body: { readonly lora_name: string; readonly lora_path?: string },
): Promise<void> {
  const response = await request(`${baseUrl}/${action}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  }).catch((cause: unknown) => {
    throw unreachable(body.lora_name, cause)
  })
  const text = await response.body.text()
  if (response.statusCode !== 200) throw refused(body.lora_name, response.statusCode, text)
}

const unreachable = (name: string, cause: unknown): AppError =>
  new AppError({
    code: 'engine_unreachable',
    message: `The engine did not answer when it was asked about the adapter ${name}`,
    hint: 'It may be restarting: what is configured is loaded then',
    retryable: true,
    status: 503,
    cause,
  })

/** @param answer the engine's own words: about files, nobody's prompt is in it */
const refused = (name: string, status: number, answer: string): AppError =>
  new AppError({
    code: 'adapter_refused',
    message: `The engine refuses the adapter ${name} (${status}): ${answer.slice(0, 500)}`,
    hint: 'It has to be a folder as PEFT writes it, made for the model that is served, of a rank that the engine takes (--max-lora-rank)',
    next: '0g-compute provider check',
  })

/** An engine that serves its model and nothing on top of it. */
export const adaptersUnsupported = (kind: EngineKind): AppError =>
  new AppError({
    code: 'adapters_unsupported',
    message: `The engine ${kind} serves no adapters under names of their own`,
    hint: 'vllm does. For another engine merge the adapter into its model, and serve that',
    next: '0g-compute provider serve --engine vllm',
    exitCode: EXIT.unsupported,
  })

export const adapterNameTaken = (name: string): AppError =>
  new AppError({
    code: 'adapter_name_taken',
    message: `The adapter "${name}" has the name of the model that it is for`,
    hint: 'Requests choose by name: give it another one under engine.adapters',
    exitCode: EXIT.usage,
  })
