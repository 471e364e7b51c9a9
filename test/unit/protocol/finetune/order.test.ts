import { TypedDataEncoder, Wallet } from 'ethers'
import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../../src/base/hex.ts'
import { domainSeparator } from '../../../../src/protocol/eip712.ts'
import {
  fineTuningDomain,
  recoverTaskOrder,
  signTaskOrder,
  signVerifierMessage,
  TASK_ORDER_FIELDS,
  type TaskOrder,
  taskDeliveryDigest,
  taskOrderDigest,
  taskOrderFromJson,
  taskOrderId,
  taskOrderToJson,
  verifierMessageDigest,
} from '../../../../src/protocol/finetune/order.ts'

const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const address = () => Wallet.createRandom().address as `0x${string}`
const hash = (digit: string) => `0x${digit.repeat(64)}` as `0x${string}`

const order: TaskOrder = {
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  user: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  signer: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  task: hash('a'),
  maxFee: 2n ** 96n - 1n,
  trainBy: 2 ** 40 - 1,
  ackWindow: 172_800,
  revealWindow: 3600,
  nonce: 2n ** 64n - 1n,
}

describe('task order', () => {
  it('agrees with ethers in id and digest', () => {
    for (let chainId = 1; chainId < 20; chainId++) {
      const random = {
        ...order,
        provider: address(),
        user: address(),
        signer: address(),
        nonce: BigInt(chainId),
      }
      const contract = address()
      const domain = { ...fineTuningDomain(chainId, contract), version: '1' }
      expect(taskOrderDigest(chainId, contract, random)).toBe(
        TypedDataEncoder.hash(domain, TASK_ORDER_FIELDS, random),
      )
      expect(taskOrderId(random)).toBe(TypedDataEncoder.from(TASK_ORDER_FIELDS).hash(random))
    }
  })

  it('is recovered from its signature, and from no other order', () => {
    const contract = address()
    const signature = signTaskOrder(KEY, 31337, contract, order)
    expect(recoverTaskOrder(31337, contract, order, signature)).toBe(order.user.toLowerCase())
    const dearer = { ...order, maxFee: order.maxFee - 1n }
    expect(recoverTaskOrder(31337, contract, dearer, signature)).not.toBe(order.user.toLowerCase())
    expect(recoverTaskOrder(31337, contract, order, '0x1234')).toBeNull()
  })

  it('goes through JSON unchanged, and is read strictly', () => {
    const json = JSON.parse(JSON.stringify(taskOrderToJson(order)))
    expect(taskOrderFromJson(json)).toEqual(order)
    const wrong = [
      { maxFee: '79228162514264337593543950336' },
      { maxFee: 5 },
      { nonce: '18446744073709551616' },
      { trainBy: 2 ** 40 },
      { ackWindow: -1 },
      { task: '0x12' },
      { signer: undefined },
    ]
    for (const change of wrong) {
      const [field] = Object.keys(change)
      expect(() => taskOrderFromJson({ ...json, ...change })).toThrow(new RegExp(field!))
    }
    expect(() => taskOrderFromJson(null)).toThrow(TypeError)
  })
})

describe('task delivery', () => {
  it('agrees with ethers', () => {
    const types = {
      TaskDelivery: [
        { name: 'provider', type: 'address' },
        { name: 'order', type: 'bytes32' },
        { name: 'modelRoot', type: 'bytes32' },
        { name: 'keyHash', type: 'bytes32' },
        { name: 'fee', type: 'uint96' },
        { name: 'deadline', type: 'uint40' },
      ],
    }
    const contract = address()
    const delivery = {
      provider: address(),
      order: taskOrderId(order),
      modelRoot: hash('1'),
      keyHash: hash('2'),
      fee: 123n,
      deadline: 1_800_000_000,
    }
    const domain = { ...fineTuningDomain(16602, contract), version: '1' }
    expect(taskDeliveryDigest(16602, contract, delivery)).toBe(TypedDataEncoder.hash(domain, types, delivery))
  })
})

describe('settlement of the deployed contract', () => {
  /** Golden vector and separator of contracts.md section 2.2. */
  const MAINNET = '0x4e3474095518883744ddf135b7E0A23301c7F9c0'
  const message = {
    id: '3f2b1c9e-8a7d-4c11-9d2e-0123456789ab',
    encryptedSecret: '0xaabbcc',
    modelRootHash: '0xd6c66cad06fe14fdb6ce9297d80d32f24d7428996d0045cbf90cc345c677ba16',
    nonce: 42n,
    taskFee: 10n ** 18n,
    user: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  } as const

  it('signs the golden vector', () => {
    expect(domainSeparator(fineTuningDomain(16661, MAINNET))).toBe(
      '0x1a4b0344a74744879f3ddf2ca9f11f0c1e74f5cafb587f6c49aa9b290bf298a5',
    )
    expect(verifierMessageDigest(16661, MAINNET, message)).toBe(
      '0xc45ac029858237b98bedc2ff01dc51baa6dc43b055d35683230f52ea5241cb3b',
    )
    expect(signVerifierMessage(KEY, 16661, MAINNET, message)).toBe(
      '0xe721cbd13124591f095d3aed4a3b38e8007f535a14c77d279053a9399cf03d5c56180234e2fae1714bfb409feaaa97a234cc470bd172daab64f7d334bc916ea61c',
    )
  })
})
