import type { IncomingMessage } from 'node:http'
import { AppError } from '../../../base/errors.ts'
import { readBody } from '../../server/readBody.ts'

const MAX_BODY = 1024 * 1024

/** The body of a request. @throws AppError `json_invalid` (400), those of `readBody` */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  const body = await readBody(req, MAX_BODY)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new AppError({ code: 'json_invalid', message: 'The request body is not JSON', status: 400 })
  }
}
