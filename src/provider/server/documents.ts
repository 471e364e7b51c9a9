import { AppError } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { KEM_ID, keyIdOf, toBase64Url } from '../../protocol/e2ee/index.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Engine, EngineModel } from '../engine/engine.ts'
import { dollarsPerToken } from '../prices/dollars.ts'
import type { Tee } from '../tee/tee.ts'
import type { VoucherDesk } from '../vouchers/voucherDesk.ts'
import type { UserLimits } from './limits/limits.ts'
import type { PriceBook } from './priceBook.ts'
import { tiersDocument } from './priceTiers.ts'

/** `GET /v1/models`: OpenAI's list with what a buyer needs beside it. Prices in neuron per token, image or second. */
export const modelsDocument = (
  engine: Engine,
  prices: PriceBook,
  limits: UserLimits,
  owner: string,
  startedAt: number,
  vouchers: Pick<VoucherDesk, 'credit'> | null,
): object => ({
  object: 'list',
  data: engine.models.map((model) => ({
    id: model.id,
    object: 'model',
    created: Math.floor(startedAt / 1000),
    owned_by: owner,
    context_length: model.contextLength,
    kinds: model.kinds,
    model_digest: model.digest,
    pricing: pricingOf(prices, model.id),
    ...dollarsOf(prices, model.id),
    rate_limits: {
      requests_per_minute: limits.requestsPerMinute,
      tokens_per_minute: limits.tokensPerMinute,
    },
    verifiability: vouchers ? 'none' : 'TeeML',
    ...(vouchers && { payment: { kind: 'vouchers', credit: vouchers.credit.toString() } }),
  })),
})

function dollarsOf(prices: PriceBook, model: string): object {
  const dollars = prices.dollarsOf(model)
  if (!dollars) return {}
  const { input, output, cachedInput, rate } = dollars
  return {
    pricing_usd: {
      prompt: dollarsPerToken(input),
      completion: dollarsPerToken(output),
      ...(cachedInput !== undefined && { input_cache_read: dollarsPerToken(cachedInput) }),
      usd_per_0g: format0G(rate),
    },
  }
}

function pricingOf(prices: PriceBook, model: string): object {
  const { input, output, cachedInput, image, second } = prices.of(model)
  return {
    prompt: input.toString(),
    completion: output.toString(),
    ...(cachedInput !== undefined && { input_cache_read: cachedInput.toString() }),
    ...(image !== undefined && { image: image.toString() }),
    ...(second !== undefined && { second: second.toString() }),
    ...(prices.tiers.length > 0 && { tiered_pricing: tiersDocument(prices.tiers) }),
    ...(prices.volume.length > 0 && {
      volume_discounts: prices.volume.map(({ from, percent }) => ({ from: from.toString(), percent })),
    }),
  }
}

/** `GET /v1/e2ee/pubkey`, for clients that take the key from here and check it against the quote. */
export function encryptionKeyDocument({ encryption, signer }: Pick<Tee, 'encryption' | 'signer'>): object {
  if (!encryption) throw noEncryptionKey()
  const { publicKey } = encryption
  return {
    v: 1,
    kem_id: KEM_ID,
    enc_pub: toBase64Url(publicKey),
    key_id: toBase64Url(keyIdOf(publicKey)),
    signer_address: signer.toLowerCase(),
  }
}

/** Without it nothing can be sealed to this broker. */
export const noEncryptionKey = (): AppError =>
  new AppError({
    code: 'e2ee_key_missing',
    message: 'This provider has no enclave that sealed requests could be opened in',
    status: 503,
  })

/** `GET /v1/capabilities`: what this broker can do beyond the deployed protocol. */
export const capabilitiesDocument = (
  { encryption, kind }: Pick<Tee, 'encryption'> & Partial<Pick<Tee, 'kind'>>,
  models: readonly EngineModel[],
  credit = 0n,
): object => ({
  v: 1,
  signedRequests: 1,
  tokenDomain: 1,
  keyLimits: 1,
  // 2: images and messages too.
  ...(encryption && { e2ee: 2 }),
  ...(kind === 'none' ? vouchersIn(credit) : { quoteNonce: 1 }),
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', ...endpointsOf(models)],
  receipt: 1,
  receiptHeader: HEADER.receipt,
  maxPriceHeader: HEADER.maxPrice,
  capOutputHeader: HEADER.capOutput,
  idempotencyKeyHeader: HEADER.idempotencyKey,
  settlement: [kind === 'none' ? 'settleVouchers' : 'settleFeesWithTEE'],
})

/** @param credit neuron served beyond what is signed */
const vouchersIn = (credit: bigint) => ({
  vouchers: 1,
  voucherHeader: HEADER.voucher,
  voucherCredit: credit.toString(),
})

/** Beside those that every broker has. */
function endpointsOf(models: readonly EngineModel[]): string[] {
  const kinds = new Set(models.flatMap((model) => model.kinds))
  return [
    ...(kinds.has('messages') ? ['/v1/messages'] : []),
    ...(kinds.has('image') ? ['/v1/images/generations', '/v1/images/edits'] : []),
    ...(kinds.has('transcription') ? ['/v1/audio/transcriptions'] : []),
  ]
}
