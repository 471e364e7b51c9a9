import type { IncomingMessage } from 'node:http'
import { AppError } from '../../base/errors.ts'

/**
 * The whole request body.
 * @throws AppError `body_too_large` (413) as soon as that is known, `body_encoded` (415), `request_aborted`
 */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') throw encoded()
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw tooLarge(limit)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof AppError ? error : aborted(error)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

const tooLarge = (limit: number): AppError =>
  new AppError({
    code: 'body_too_large',
    message: `The request body is larger than ${limit} bytes`,
    hint: 'Shorten the conversation or send smaller images',
    status: 413,
  })

const encoded = (): AppError =>
  new AppError({
    code: 'body_encoded',
    message: 'Compressed request bodies are not accepted',
    hint: 'Send the JSON as it is',
    status: 415,
  })

const aborted = (cause: unknown): AppError =>
  new AppError({ code: 'request_aborted', message: 'The request ended early', status: 400, cause })
