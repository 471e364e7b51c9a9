import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type EngineRequest, type Route, sendJson } from './engineRequest.ts'
import type { LoadedModel } from './loadModel.ts'
import { OpenAiError } from './openAiError.ts'
import { readBody } from './readBody.ts'
import { chatCompletions } from './routes/chatCompletions.ts'
import { completions } from './routes/completions.ts'
import { embeddings } from './routes/embeddings.ts'
import { health } from './routes/health.ts'
import { models } from './routes/models.ts'
import { tokenize } from './routes/tokenize.ts'

const ROUTES: Readonly<Record<string, { method: 'GET' | 'POST'; route: Route }>> = {
  '/v1/chat/completions': { method: 'POST', route: chatCompletions },
  '/v1/completions': { method: 'POST', route: completions },
  '/v1/embeddings': { method: 'POST', route: embeddings },
  '/v1/models': { method: 'GET', route: models },
  '/tokenize': { method: 'POST', route: tokenize },
  '/health': { method: 'GET', route: health },
}

/** The HTTP server of the child: every request needs the bearer that only the broker knows; nothing is logged. */
export function createEngineServer(loaded: LoadedModel, bearer: string): Server {
  const expected = Buffer.from(`Bearer ${bearer}`)
  const server = createServer((request, response) => {
    answer(loaded, expected, request, response).catch((error: unknown) => answerError(error, response))
  })
  server.keepAliveTimeout = 65_000
  return server
}

async function answer(
  loaded: LoadedModel,
  bearer: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  requireBearer(request, bearer)
  const route = findRoute(request)
  const signal = abortOnClose(response)
  const body = request.method === 'POST' ? await readBody(request) : {}
  const engineRequest: EngineRequest = { loaded, body, id: requestId(request), signal, response }
  await route(engineRequest)
}

function requireBearer(request: IncomingMessage, expected: Buffer): void {
  const given = Buffer.from(request.headers.authorization ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new OpenAiError(
      401,
      'authentication_error',
      'unauthorized',
      'This engine answers its own broker only.',
    )
}

function findRoute({ url, method }: IncomingMessage): Route {
  const found = ROUTES[(url ?? '').replace(/\?.*$/, '')]
  if (found === undefined)
    throw new OpenAiError(404, 'invalid_request_error', 'not_found', 'There is no such path.')
  if (found.method !== method)
    throw new OpenAiError(
      405,
      'invalid_request_error',
      'method_not_allowed',
      `This path takes ${found.method}.`,
    )
  return found.route
}

/** A response that closes before it ended means that the client left. */
function abortOnClose(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}

/** vLLM too names its answers after this header, so a broker knows the id before it forwards. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  const isUsable = typeof given === 'string' && /^[\w-]{1,128}$/.test(given)
  return isUsable ? given : randomBytes(16).toString('hex')
}

function answerError(error: unknown, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    // The status is out: only a broken stream can say that the answer is not whole.
    response.destroy()
    return
  }
  const known = error instanceof OpenAiError ? error : internal()
  if (known.status === 503) response.setHeader('retry-after', '1')
  // What is left of the request's body is not read.
  if (known.status === 413) response.setHeader('connection', 'close')
  sendJson(response, known.status, known.toBody())
}

function internal(): OpenAiError {
  return new OpenAiError(500, 'server_error', 'engine_failed', 'The engine failed to evaluate the request.')
}
