import { type EngineRequest, sendJson } from '../engineRequest.ts'

/** `GET /v1/models`, with vLLM's `max_model_len`. */
export function models({ loaded, response }: EngineRequest): void {
  const model = {
    id: loaded.id,
    object: 'model',
    created: loaded.createdSeconds,
    owned_by: '0g-compute',
    max_model_len: loaded.contextLength,
  }
  sendJson(response, 200, { object: 'list', data: [model] })
}
