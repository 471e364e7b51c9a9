import type { IncomingMessage } from 'node:http'
import { AppError } from '../../base/errors.ts'

/**
 * The whole request body.
 * @throws AppError `body_too_large` (413) as soon as that is known, `body_encoded` (415), `request_aborted`
 */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') throw encoded()
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  // A client that has left is heard of no more.
  if (req.destroyed) throw aborted(req.errored)
  return collect(req, limit)
}

/** By events: iterating over a request costs several times as much. */
function collect(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      req.off('data', onData).pause()
      reject(tooLarge(limit))
    }
    req.on('data', onData)
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    req.once('error', (error) => reject(aborted(error)))
    req.once('close', () => {
      if (!req.complete) reject(aborted(null))
    })
  })
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

/** The client left in the middle of its request. */
export const aborted = (cause: unknown): AppError =>
  new AppError({ code: 'request_aborted', message: 'The request ended early', status: 400, cause })
