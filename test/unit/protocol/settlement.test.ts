import { TypedDataEncoder, Wallet } from 'ethers'
import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../src/base/hex.ts'
import { domainSeparator, INFERENCE_DOMAIN } from '../../../src/protocol/eip712.ts'
import { settlementDigest, signSettlement } from '../../../src/protocol/settlement.ts'
import { addressOf, recoverDigest } from '../../../src/protocol/signature.ts'

const MAINNET_INFERENCE = '0x47340d900bdFec2BD393c626E12ea0656F938d84'
/** The well-known second test key of Hardhat and Anvil. */
const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')

/** Golden vector of contracts.md section 2.1. */
const entry = {
  requestsHash: '0x333aac39186d3b62ace6a42d52a0efc9012043512346ae4db05d4b3433163522',
  nonce: 1700000000000n,
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  user: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  totalFee: 123456789n,
} as const

describe('settlement of the deployed contracts', () => {
  it('has the domain separators of the recorded deployments', () => {
    const domain = { name: INFERENCE_DOMAIN, chainId: 16661, verifyingContract: MAINNET_INFERENCE } as const
    expect(domainSeparator(domain)).toBe('0x72e92d6704ca166b5be1580af84840c130f74eea4b4ce278ee3e4714553a14d1')
    const testnet = {
      name: INFERENCE_DOMAIN,
      chainId: 16602,
      verifyingContract: '0xa79F4c8311FF93C06b8CfB403690cc987c93F91E',
    } as const
    expect(domainSeparator(testnet)).toBe(
      '0xda596bc261f3030c2a3b8586fd56a01aab43437237aab631ee66fafb3f1e31a9',
    )
  })

  it('signs the golden vector', () => {
    expect(settlementDigest(16661, MAINNET_INFERENCE, entry)).toBe(
      '0x27d3cec59b2d4e10a5e23b3dc486d3d48a92f3777a4621c8f1d7363fc53486a7',
    )
    const signature = signSettlement(KEY, 16661, MAINNET_INFERENCE, entry)
    expect(signature).toBe(
      '0x5a11578d539994c1bb6a4fee431b4db02a54239b3f21083805751f93682932690cf0f47efeb41863ffddade8c25260a275abe0ec4f2d300051743de9fc0b1c741b',
    )
    expect(recoverDigest(settlementDigest(16661, MAINNET_INFERENCE, entry), signature)).toBe(
      addressOf(KEY).toLowerCase(),
    )
  })

  it('agrees with ethers on random entries', () => {
    const types = {
      TEESettlement: [
        { name: 'requestsHash', type: 'bytes32' },
        { name: 'nonce', type: 'uint256' },
        { name: 'provider', type: 'address' },
        { name: 'user', type: 'address' },
        { name: 'totalFee', type: 'uint256' },
      ],
    }
    for (let i = 0; i < 50; i++) {
      const address = () => Wallet.createRandom().address as `0x${string}`
      const random = {
        ...entry,
        nonce: BigInt(i) ** 9n,
        totalFee: 3n ** BigInt(i),
        user: address(),
        provider: address(),
      }
      const domain = { name: INFERENCE_DOMAIN, version: '1', chainId: i, verifyingContract: address() }
      expect(settlementDigest(i, domain.verifyingContract, random)).toBe(
        TypedDataEncoder.hash(domain, types, random),
      )
    }
  })
})
