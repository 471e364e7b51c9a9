import { AppError } from '../../base/errors.ts'
import type { Counts } from '../../protocol/pricing.ts'
import type { EngineResponse } from './engineAnswer.ts'
import { errorBody } from './errorBody.ts'
import type { AnswerSeal } from './sealed.ts'
import type { Sink } from './sink.ts'
import { readAnswer } from './whole.ts'

/**
 * The engine's own refusal of a request reaches the client; its server errors are the provider's.
 * @throws AppError `engine_busy` (503), `engine_failed` (502), `client_left`, `engine_died`
 */
export async function passRefusal(
  sink: Sink,
  upstream: EngineResponse,
  seal: AnswerSeal | null,
): Promise<Counts> {
  const reason = await readAnswer(upstream, sink.signal)
  const { statusCode } = upstream
  if (statusCode >= 500) throw engineFailed(statusCode)
  const body = seal ? await seal.refusal(reason, errorBody(engineRefused(statusCode))) : reason
  sink.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': body.length,
    'zg-failure-source': 'engine',
  })
  sink.end(body)
  return {}
}

/** To a sealed request: the reason is sealed beside it. */
const engineRefused = (status: number): AppError =>
  new AppError({
    code: 'request_refused',
    message: 'The engine of this provider refuses the request; its reason is sealed to the caller',
    hint: 'Nothing was charged',
    status,
  })

const engineFailed = (status: number): AppError =>
  new AppError({
    code: status === 503 ? 'engine_busy' : 'engine_failed',
    message:
      status === 503 ? 'The engine of this provider is at its limit' : 'The engine of this provider failed',
    hint: 'Try again, or another provider. Nothing was charged',
    next: '0g-compute provider list',
    retryable: true,
    status: status === 503 ? 503 : 502,
  })
