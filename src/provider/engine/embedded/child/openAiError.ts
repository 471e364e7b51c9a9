/** An answer in the shape of OpenAI's errors. Messages never repeat a prompt. */
export class OpenAiError extends Error {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly param: string | null

  constructor(status: number, type: string, code: string, message: string, param: string | null = null) {
    super(message)
    this.status = status
    this.type = type
    this.code = code
    this.param = param
  }

  toBody(): { error: { message: string; type: string; param: string | null; code: string } } {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } }
  }
}

export function badRequest(
  message: string,
  param: string | null = null,
  code = 'invalid_request',
): OpenAiError {
  return new OpenAiError(400, 'invalid_request_error', code, message, param)
}

export function unsupported(param: string, message: string): OpenAiError {
  return badRequest(message, param, 'unsupported_parameter')
}

export function modelNotFound(model: string): OpenAiError {
  return new OpenAiError(
    404,
    'invalid_request_error',
    'model_not_found',
    `The model '${model}' does not exist.`,
    'model',
  )
}

export function contextLengthExceeded(contextLength: number, promptTokens: number): OpenAiError {
  return badRequest(
    `This model's maximum context length is ${contextLength} tokens, and the prompt has ${promptTokens}; at least one must be left for the answer.`,
    'messages',
    'context_length_exceeded',
  )
}

export function overloaded(): OpenAiError {
  return new OpenAiError(
    503,
    'server_error',
    'engine_overloaded',
    'Too many requests are waiting. Try again shortly.',
  )
}
