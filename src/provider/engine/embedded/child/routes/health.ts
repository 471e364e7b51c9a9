import { type EngineRequest, sendJson } from '../engineRequest.ts'

/** `GET /health` */
export function health({ response }: EngineRequest): void {
  sendJson(response, 200, { status: 'ok' })
}
