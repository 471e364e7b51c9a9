import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../base/errors.ts'
import { receiptFromJson, type SignedReceipt } from '../../protocol/receipt.ts'
import type { Epochs } from '../settlement/epochs.ts'
import { sha256Hex } from './hash.ts'
import { assertOwn, type ProofOptions } from './prove.ts'
import { readBody } from './readBody.ts'
import { assertBodySigned } from './requestSignatures.ts'
import { sendJson } from './respond.ts'
import type { Route } from './route.ts'

export interface ShownOptions extends ProofOptions {
  readonly epochs: Epochs
}

const MAX_BODY_BYTES = 64 * 1024

/** A user shows a receipt of its own, so that a broker that has forgotten it finds out. */
export async function serveShownReceipt(
  req: IncomingMessage,
  res: ServerResponse,
  { user }: Extract<Route, { name: 'showReceipt' }>,
  { gate, epochs }: ShownOptions,
): Promise<void> {
  const caller = assertOwn(req, user, gate)
  const body = await readBody(req, MAX_BODY_BYTES)
  assertBodySigned(caller.signed, sha256Hex(body))
  sendJson(res, 200, { known: await epochs.show(parse(body), user) })
}

function parse(body: Buffer): SignedReceipt {
  try {
    return receiptFromJson(JSON.parse(body.toString()))
  } catch (cause) {
    throw new AppError({
      code: 'receipt_malformed',
      message: 'The body is no receipt',
      hint: 'Send one receipt as GET /v1/user/{address}/receipts returns them',
      status: 400,
      cause,
    })
  }
}
