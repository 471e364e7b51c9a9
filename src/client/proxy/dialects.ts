import { assertMethod, errorReply, type GatewayReply, type GatewayRequest } from '../gateway/gateway.ts'
import { isEndpoint } from '../purchase/endpoints.ts'
import { anthropic, toError } from './anthropic.ts'
import { MESSAGES } from './nativeMessages.ts'
import { responses } from './responses.ts'

export type PlainRequest = Pick<GatewayRequest, 'method' | 'path' | 'body' | 'contentType'>

/** A request in OpenAI's chat API, and how to say the reply in the caller's own. */
export interface Dialect {
  readonly request: PlainRequest
  /** Whether the caller reads OpenAI's streams. */
  readonly isOpenAi: boolean
  reply(reply: GatewayReply): GatewayReply
  error(reply: GatewayReply): GatewayReply
  /** Whether a failure says that the engine has no such API, so that the request has to be translated. */
  isLacking?(error: unknown): boolean
}

const same = (reply: GatewayReply): GatewayReply => reply

const DIALECTS: Readonly<Record<string, (request: PlainRequest) => Dialect>> = {
  [MESSAGES]: anthropic,
  '/v1/responses': responses,
}

/** Paths that are served here, in words of another API. */
export const TRANSLATED: readonly string[] = Object.keys(DIALECTS).filter((path) => !isEndpoint(path))

/** Anthropic's Messages and OpenAI's Responses become chats; everything else goes as it is. */
export function translate(request: PlainRequest): Dialect {
  const dialect = DIALECTS[request.path]
  if (dialect) {
    assertMethod(request.method, 'POST')
    return dialect(request)
  }
  return { request, isOpenAi: true, reply: same, error: same }
}

/** A failure as whoever asks at this path reads it. */
export function errorAt(path: string, error: unknown): GatewayReply {
  const reply = errorReply(error)
  return path === MESSAGES ? toError(reply) : reply
}
