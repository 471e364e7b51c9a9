import type { IncomingMessage } from 'node:http'
import { type Body, isObject } from './fields.ts'
import { badRequest, OpenAiError } from './openAiError.ts'

const LARGEST_BODY = 32 * 1024 * 1024

/** @throws OpenAiError 400 when it is not a JSON object, 413 when it is too large */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > LARGEST_BODY) throw tooLarge()
    chunks.push(chunk)
  }
  const body = parse(Buffer.concat(chunks).toString('utf8'))
  if (!isObject(body)) throw badRequest('The body must be a JSON object.')
  return body
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('The body is not valid JSON.', null, 'invalid_json')
  }
}

function tooLarge(): OpenAiError {
  return new OpenAiError(413, 'invalid_request_error', 'request_too_large', 'The body is larger than 32 MiB.')
}
