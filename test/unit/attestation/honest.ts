import { createHash } from 'node:crypto'
import type { AnswerProof, Exchange } from '../../../src/attestation/verifyAnswer.ts'
import type { Address } from '../../../src/base/hex.ts'
import {
  type Receipt,
  type ReceiptDetail,
  receiptToJson,
  signReceipt,
} from '../../../src/protocol/receipt.ts'
import { addressOf, type PrivateKey } from '../../../src/protocol/signature.ts'
import { proofText, signTextProof } from '../../../src/protocol/textProof.ts'

/** The enclave's key in these tests, and that of another enclave. */
export const KEY: PrivateKey = createHash('sha256').update('enclave').digest()
export const OTHER_KEY: PrivateKey = createHash('sha256').update('another enclave').digest()

export const USER: Address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
export const OTHER: Address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const CONTRACT: Address = '0x47340d900bdFec2BD393c626E12ea0656F938d84'
const PROVIDER: Address = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const NOW = 1_790_000_000_000

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

export const EXCHANGE: Exchange = {
  chainId: 31337,
  contract: CONTRACT,
  provider: PROVIDER,
  user: USER,
  signer: addressOf(KEY),
  id: '0123456789abcdef0123456789abcdef',
  endpoint: '/v1/chat/completions',
  model: 'demo',
  modelDigest: hashOf('weights'),
  requestHash: hashOf('request'),
  responseHash: hashOf('response'),
  responseBytes: 8,
  ended: 'complete',
  prices: { input: 10n, output: 30n },
  bounds: { input: 100, output: 50 },
  evidence: hashOf('quote'),
  now: NOW,
}

export const DETAIL: ReceiptDetail = {
  v: 1,
  salt: 'ab'.repeat(16),
  id: EXCHANGE.id,
  endpoint: EXCHANGE.endpoint,
  model: EXCHANGE.model,
  modelDigest: EXCHANGE.modelDigest,
  requestHash: EXCHANGE.requestHash,
  responseHash: EXCHANGE.responseHash,
  responseBytes: EXCHANGE.responseBytes,
  status: 'complete',
  counts: { input: 20, output: 5 },
  prices: { input: '10', output: '30' },
  multipliers: {},
  evidence: hashOf('quote'),
}

/** 20 × 10 + 5 × 30. */
export const FEE = 350n

export const FIELDS: Omit<Receipt, 'detail'> = {
  provider: PROVIDER,
  user: USER,
  seq: 7,
  cumulative: 1350n,
  fee: FEE,
  issuedAt: NOW / 1000,
}

export interface Changes {
  readonly key?: PrivateKey
  readonly textKey?: PrivateKey
  readonly chainId?: number
  readonly contract?: Address
  readonly fields?: Partial<typeof FIELDS>
  readonly detail?: Partial<ReceiptDetail>
  readonly text?: string
}

/** What an honest enclave answers, or one that signs with these changes. */
export function proofOf(changes: Changes = {}): AnswerProof & { receipt: object; text: object } {
  const key = changes.key ?? KEY
  const textKey = changes.textKey ?? key
  const signed = signReceipt(
    key,
    changes.chainId ?? EXCHANGE.chainId,
    changes.contract ?? EXCHANGE.contract,
    { ...FIELDS, ...changes.fields },
    { ...DETAIL, ...changes.detail },
  )
  const text = changes.text ?? proofText(EXCHANGE.requestHash, EXCHANGE.responseHash)
  return { text: signTextProof(textKey, addressOf(textKey), text), receipt: receiptToJson(signed) }
}
