import { TypedDataEncoder } from 'ethers'
import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../src/base/hex.ts'
import { batchDigest, encodeBatchRows, epochOfNumber, signBatch } from '../../../src/protocol/batch.ts'
import { INFERENCE_DOMAIN } from '../../../src/protocol/eip712.ts'
import { addressOf, recoverDigest } from '../../../src/protocol/signature.ts'

const CONTRACT = '0x47340d900bdFec2BD393c626E12ea0656F938d84'
const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const batch = {
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  upTo: 3 * 2 ** 32 + 17,
  asOf: 1_700_000_000,
  rows: [
    { user: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', cumulative: 1n },
    { user: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', cumulative: 2n ** 96n - 1n },
  ],
} as const

describe('settlement batch', () => {
  it('packs a payer into 32 bytes', () => {
    expect(encodeBatchRows(batch.rows)).toBe(
      '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266000000000000000000000001' +
        '70997970c51812dc3a010c7d01b50e0d17dc79c8ffffffffffffffffffffffff',
    )
    expect(encodeBatchRows([])).toBe('0x')
    expect(() => encodeBatchRows([{ ...batch.rows[0], cumulative: 2n ** 96n }])).toThrow()
  })

  it('is an EIP-712 struct as every wallet hashes it', () => {
    const types = {
      SettlementBatch: [
        { name: 'provider', type: 'address' },
        { name: 'epoch', type: 'uint32' },
        { name: 'upTo', type: 'uint48' },
        { name: 'asOf', type: 'uint64' },
        { name: 'rows', type: 'bytes' },
      ],
    }
    const domain = { name: INFERENCE_DOMAIN, version: '1', chainId: 16661, verifyingContract: CONTRACT }
    const message = { ...batch, epoch: 3, rows: encodeBatchRows(batch.rows) }
    expect(batchDigest(16661, CONTRACT, batch)).toBe(TypedDataEncoder.hash(domain, types, message))
  })

  it('carries its epoch in its number', () => {
    expect(epochOfNumber(batch.upTo)).toBe(3)
    expect(epochOfNumber(2 ** 32 - 1)).toBe(0)
  })

  it('names its signer', () => {
    const signature = signBatch(KEY, 16661, CONTRACT, batch)
    expect(recoverDigest(batchDigest(16661, CONTRACT, batch), signature)).toBe(addressOf(KEY).toLowerCase())
  })
})
