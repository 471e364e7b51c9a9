import type { ServerResponse } from 'node:http'
import type { Body } from './fields.ts'
import type { LoadedModel } from './loadModel.ts'
import { modelNotFound } from './openAiError.ts'

/** One authorised request on its way through a route. */
export interface EngineRequest {
  readonly loaded: LoadedModel
  readonly body: Body
  /** The caller's `X-Request-Id`, or 128 random bits in hex. */
  readonly id: string
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  readonly response: ServerResponse
}

export type Route = (request: EngineRequest) => Promise<void> | void

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}

/** @throws OpenAiError 404 when the request names another model */
export function requireModel({ body, loaded }: EngineRequest): void {
  if (body.model !== loaded.id) throw modelNotFound(String(body.model ?? ''))
}
