import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import { findFineTuningAccount } from '../../../chain/fineTuning.ts'
import { uploadDigest } from '../../../protocol/finetune/signatures.ts'
import { clientAddress } from '../../server/clientAddress.ts'
import { sendJson } from '../../server/respond.ts'
import type { ArrivedDataset } from '../datasets.ts'
import type { FineTuningDesk } from './desk.ts'
import { formParts } from './multipart.ts'
import { assertSignedNow } from './signed.ts'

const MAX_FIELD_BYTES = 1024

/**
 * Takes a dataset: the file first, then signature and time, as the deployed client sends them. Only customers may
 * write to the disk before they have signed.
 * @throws AppError `form_malformed`, `account_missing` (402), `dataset_too_large` (413), `signature_invalid` (401)
 */
export async function receiveDataset(
  req: IncomingMessage,
  res: ServerResponse,
  user: Address,
  desk: FineTuningDesk,
): Promise<void> {
  const giveBack = desk.strangers.take(clientAddress(req, desk.trustProxy))
  await assertCustomer(user, desk)
  let arrived: ArrivedDataset | null = null
  try {
    const fields = new Map<string, string>()
    for await (const { name, body } of formParts(req, req.headers['content-type'])) {
      if (name === 'file' && !arrived) arrived = await desk.shop.datasets.receive(body)
      else fields.set(name, await textOf(body))
    }
    if (!arrived) throw fileMissing()
    const signed = { timestamp: fields.get('timestamp'), signature: fields.get('signature') }
    assertSignedNow(user, (at) => uploadDigest(user, at), signed, desk.shop.now())
    giveBack()
    await arrived.keep(user)
    sendJson(res, 200, { datasetHash: arrived.root, message: 'The dataset is here for a day' })
  } catch (error) {
    await arrived?.discard()
    throw error
  }
}

async function assertCustomer(user: Address, { provider, contract }: FineTuningDesk): Promise<void> {
  if (await findFineTuningAccount(contract, user, provider)) return
  throw new AppError({
    code: 'account_missing',
    message: 'There is no fine-tuning sub-account at this provider',
    hint: 'Nothing was taken. Transfer the fee to one first',
    next: '0g-compute fund',
    status: 402,
  })
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes <= MAX_FIELD_BYTES) pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const fileMissing = (): AppError =>
  new AppError({
    code: 'form_malformed',
    message: 'The form has no file',
    hint: 'Send multipart/form-data with the parts file, signature and timestamp',
    status: 400,
  })
