import { TypedDataEncoder } from 'ethers'
import { describe, expect, it } from 'vitest'
import { type Hex, hexToBytes } from '../../../src/base/hex.ts'
import { INFERENCE_DOMAIN } from '../../../src/protocol/eip712.ts'
import {
  type ReceiptDetail,
  receiptDigest,
  receiptFromJson,
  receiptToJson,
  recoverReceipt,
  signReceipt,
} from '../../../src/protocol/receipt.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import vectors from './receipt.vectors.json' with { type: 'json' }

const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const CONTRACT = '0x47340d900bdFec2BD393c626E12ea0656F938d84'

const detail: ReceiptDetail = {
  v: 1,
  salt: '000102030405060708090a0b0c0d0e0f',
  id: '0123456789abcdef0123456789abcdef',
  endpoint: '/v1/chat/completions',
  model: 'demo',
  modelDigest: null,
  requestHash: 'a'.repeat(64),
  responseHash: 'b'.repeat(64),
  responseBytes: 420,
  status: 'complete',
  counts: { input: 12, output: 7 },
  prices: { input: '100', output: '400' },
  multipliers: {},
  evidence: 'c'.repeat(64),
}
const fields = {
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  user: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  seq: 41,
  cumulative: 123456789n,
  fee: 4000n,
  issuedAt: 1_700_000_000,
} as const
const signed = signReceipt(KEY, 16661, CONTRACT, fields, detail)

describe('receipt', () => {
  it('has the frozen canonical detail, digest and signature', () => {
    expect({ ...receiptToJson(signed), digest: receiptDigest(16661, CONTRACT, signed.receipt) }).toEqual(
      vectors,
    )
  })

  it('is an EIP-712 struct as every wallet hashes it', () => {
    const types = {
      Receipt: [
        { name: 'provider', type: 'address' },
        { name: 'user', type: 'address' },
        { name: 'seq', type: 'uint48' },
        { name: 'cumulative', type: 'uint96' },
        { name: 'fee', type: 'uint96' },
        { name: 'issuedAt', type: 'uint64' },
        { name: 'detail', type: 'bytes32' },
      ],
    }
    const domain = { name: INFERENCE_DOMAIN, version: '1', chainId: 16661, verifyingContract: CONTRACT }
    expect(receiptDigest(16661, CONTRACT, signed.receipt)).toBe(
      TypedDataEncoder.hash(domain, types, signed.receipt),
    )
  })

  it('names its signer, and another one when any field changes', () => {
    const signer = addressOf(KEY).toLowerCase()
    expect(recoverReceipt(signed)).toBe(signer)
    const changes = [
      { seq: 42 },
      { cumulative: 123456790n },
      { fee: 4001n },
      { issuedAt: 1_700_000_001 },
      { user: fields.provider },
      { provider: fields.user },
      { detail: `0x${'0'.repeat(64)}` as Hex },
    ]
    for (const change of changes) {
      expect(recoverReceipt({ ...signed, receipt: { ...signed.receipt, ...change } })).not.toBe(signer)
    }
    expect(recoverReceipt({ ...signed, chainId: 16602 })).not.toBe(signer)
    expect(recoverReceipt({ ...signed, contract: fields.user })).not.toBe(signer)
  })

  it('survives JSON', () => {
    expect(receiptFromJson(JSON.parse(JSON.stringify(receiptToJson(signed))))).toEqual(signed)
  })

  it.each([
    ['chainId', (json: Json) => ({ ...json, chainId: '1' })],
    ['contract', (json: Json) => ({ ...json, contract: '0x1' })],
    ['receipt', (json: Json) => ({ ...json, receipt: null })],
    ['seq', (json: Json) => ({ ...json, receipt: { ...json.receipt, seq: 2 ** 48 } })],
    ['fee', (json: Json) => ({ ...json, receipt: { ...json.receipt, fee: '-1' } })],
    ['fee', (json: Json) => ({ ...json, receipt: { ...json.receipt, fee: 5 } })],
    [
      'cumulative',
      (json: Json) => ({ ...json, receipt: { ...json.receipt, cumulative: (2n ** 96n).toString() } }),
    ],
    ['detail hash', (json: Json) => ({ ...json, receipt: { ...json.receipt, detail: '0x' } })],
    ['signature', (json: Json) => ({ ...json, signature: '0x00' })],
  ])('refuses JSON whose %s is malformed', (field, change) => {
    expect(() => receiptFromJson(change(receiptToJson(signed)))).toThrow(`receipt: ${field}`)
  })

  it('refuses what is no object', () => {
    for (const value of [null, undefined, 1, 'x', []]) expect(() => receiptFromJson(value)).toThrow(TypeError)
  })
})

type Json = ReturnType<typeof receiptToJson>
