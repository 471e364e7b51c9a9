import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../base/errors.ts'
import { sameAddress } from '../../base/hex.ts'
import { type ReceiptDetail, receiptToJson, type SignedReceipt } from '../../protocol/receipt.ts'
import { proofTextOf, signTextProof, type TextProof } from '../../protocol/textProof.ts'
import { endOfDay } from '../ledger/keySpending.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Tee } from '../tee/tee.ts'
import type { Caller, Gate } from './gate.ts'
import { sendJson } from './respond.ts'
import type { Route } from './route.ts'

export interface ProofOptions {
  readonly ledger: Ledger
  readonly tee: Tee
  readonly gate: Gate
}

type UserRoute = Extract<Route, { name: 'unsettledFee' | 'receipts' | 'keys' }>

/** Receipts of one page at most. */
const MAX_PAGE = 500

/** The text proof of an answer for anyone, its receipt for its user. Made when first asked for, from durable hashes. */
export async function serveSignature(
  req: IncomingMessage,
  res: ServerResponse,
  { id }: Extract<Route, { name: 'signature' }>,
  { ledger, tee, gate }: ProofOptions,
): Promise<void> {
  const signed = await ledger.receipt(id)
  if (!signed) throw proofNotFound()
  const proof: TextProof = signTextProof(tee.signerKey, tee.signer, textOf(signed))
  const isOwner = () => sameAddress(gate.caller(req).claims.address, signed.receipt.user)
  const receipt = req.headers.authorization && isOwner() ? { receipt: receiptToJson(signed) } : {}
  sendJson(res, 200, { ...proof, ...receipt })
}

/** All of a user's receipts after a number, for that user alone. */
export async function serveReceipts(
  req: IncomingMessage,
  res: ServerResponse,
  { user, query }: UserRoute,
  { ledger, gate }: ProofOptions,
): Promise<void> {
  assertOwn(req, user, gate)
  const after = wholeNumber(query, 'after', 0)
  const limit = Math.min(wholeNumber(query, 'limit', MAX_PAGE), MAX_PAGE)
  const receipts = await ledger.receipts(user, after, limit)
  const next = receipts.length === limit ? (receipts.at(-1)?.receipt.seq ?? null) : null
  sendJson(res, 200, { receipts: receipts.map(receiptToJson), next })
}

/** What a user owes and no settlement has taken yet. */
export async function serveUnsettledFee(
  req: IncomingMessage,
  res: ServerResponse,
  { user }: UserRoute,
  { ledger, gate }: ProofOptions,
): Promise<void> {
  assertOwn(req, user, gate)
  await ledger.refresh(user)
  const { charged, paid } = ledger.totals(user)
  sendJson(res, 200, { unsettledFee: (charged - paid).toString() })
}

/** What each key of a user that carries a limit has spent in its period that runs. */
export async function serveKeys(
  req: IncomingMessage,
  res: ServerResponse,
  { user }: UserRoute,
  { ledger, gate }: ProofOptions,
): Promise<void> {
  assertOwn(req, user, gate)
  const keys = await ledger.keySpending(user)
  sendJson(res, 200, {
    keys: keys.map(({ id, day, spent }) => ({
      id,
      spent: spent.toString(),
      renewsAt: day === 0 ? null : new Date(endOfDay(day)).toISOString(),
    })),
  })
}

const textOf = ({ detail }: SignedReceipt): string => proofTextOf(JSON.parse(detail) as ReceiptDetail)

export function assertOwn(req: IncomingMessage, user: string, gate: Gate): Caller {
  const caller = gate.caller(req)
  if (sameAddress(caller.claims.address, user)) return caller
  throw new AppError({
    code: 'account_of_another',
    message: 'This account belongs to another user',
    hint: 'Only the user itself can read it',
    status: 403,
  })
}

function wholeNumber(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null) return otherwise
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value >= (name === 'limit' ? 1 : 0)) return value
  throw new AppError({ code: 'query_invalid', message: `"${name}" is not a whole number`, status: 400 })
}

const proofNotFound = (): AppError =>
  new AppError({
    code: 'chat_id_not_found',
    message: 'Chat id not found or expired',
    hint: 'The id is in the header ZG-Res-Key; a proof exists once the answer has ended',
    status: 404,
  })
