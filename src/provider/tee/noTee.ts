import { AppError } from '../../base/errors.ts'
import { addressOf, type PrivateKey } from '../../protocol/signature.ts'
import type { Tee } from './tee.ts'

/**
 * No enclave: the provider signs its receipts itself, with the key of its account, and has no evidence for anything.
 * @param key of the provider's account
 */
export const openNoTee = (key: PrivateKey): Tee => ({
  kind: 'none',
  signerKey: key,
  signer: addressOf(key),
  encryption: null,
  quote: async () => {
    throw noEvidence()
  },
})

const noEvidence = (): AppError =>
  new AppError({
    code: 'evidence_missing',
    message: 'This provider runs without a TEE and has no evidence for its answers',
    hint: 'It is paid by vouchers, for what its customers checked themselves',
    status: 404,
  })
