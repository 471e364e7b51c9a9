import { dataLength, dataSlice, Signature, TypedDataEncoder } from 'ethers'
import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../src/base/hex.ts'
import { INFERENCE_DOMAIN } from '../../../src/protocol/eip712.ts'
import { addressOf, recoverDigest } from '../../../src/protocol/signature.ts'
import {
  delegationDigest,
  encodeVoucherRows,
  signDelegation,
  signVoucher,
  voucherDigest,
} from '../../../src/protocol/voucher.ts'

const CONTRACT = '0x47340d900bdFec2BD393c626E12ea0656F938d84'
const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const PROVIDER = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const USER = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const delegation = {
  provider: PROVIDER,
  user: USER,
  sessionKey: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  cap: 2n ** 96n - 1n,
  expiry: 1_900_000_000,
} as const
const voucher = { provider: PROVIDER, cumulative: 12_345_678_901_234_567_890n } as const
const domain = { name: INFERENCE_DOMAIN, version: '1', chainId: 16661, verifyingContract: CONTRACT }

describe('voucher', () => {
  it('is delegated by an EIP-712 struct as every wallet hashes it', () => {
    const types = {
      Delegation: [
        { name: 'provider', type: 'address' },
        { name: 'user', type: 'address' },
        { name: 'sessionKey', type: 'address' },
        { name: 'cap', type: 'uint96' },
        { name: 'expiry', type: 'uint40' },
      ],
    }
    expect(delegationDigest(16661, CONTRACT, delegation)).toBe(
      TypedDataEncoder.hash(domain, types, delegation),
    )
  })

  it('is an EIP-712 struct as every wallet hashes it', () => {
    const types = {
      Voucher: [
        { name: 'provider', type: 'address' },
        { name: 'cumulative', type: 'uint96' },
      ],
    }
    expect(voucherDigest(16661, CONTRACT, voucher)).toBe(TypedDataEncoder.hash(domain, types, voucher))
  })

  it('names its signer', () => {
    const signer = addressOf(KEY).toLowerCase()
    const permission = signDelegation(KEY, 16661, CONTRACT, delegation)
    expect(recoverDigest(delegationDigest(16661, CONTRACT, delegation), permission)).toBe(signer)
    const promise = signVoucher(KEY, 16661, CONTRACT, voucher)
    expect(recoverDigest(voucherDigest(16661, CONTRACT, voucher), promise)).toBe(signer)
  })

  it('packs a claim into 88 bytes', () => {
    const signature = signVoucher(KEY, 16661, CONTRACT, voucher)
    const row = { claimed: 1n, signed: 2n ** 96n - 1n, signature } as const
    const bytes = encodeVoucherRows([row, row])
    expect(dataLength(bytes)).toBe(176)
    expect(dataSlice(bytes, 0, 24)).toBe('0x000000000000000000000001ffffffffffffffffffffffff')
    const { r, yParity, s } = Signature.from(signature)
    expect(dataSlice(bytes, 24, 56)).toBe(r)
    const vs = BigInt(s) | (BigInt(yParity) << 255n)
    expect(BigInt(dataSlice(bytes, 56, 88))).toBe(vs)
    expect(encodeVoucherRows([])).toBe('0x')
    expect(() => encodeVoucherRows([{ ...row, claimed: 2n ** 96n }])).toThrow()
  })
})
