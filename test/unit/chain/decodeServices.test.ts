import { Interface } from 'ethers'
import { describe, expect, it } from 'vitest'
import artifact from '../../../src/chain/artifacts/InferenceServing.json' with { type: 'json' }
import { decodeServices } from '../../../src/chain/decodeServices.ts'

const abi = new Interface(artifact.abi)
const FIELDS = abi
  .getFunction('getAllServices')!
  .outputs[0]!.arrayChildren!.components!.map(({ name }) => name)

const service = (index: number) => ({
  provider: `0x${'aBcD1234'.toLowerCase().repeat(4)}${index.toString(16).padStart(8, '0')}`,
  serviceType: 'chatbot',
  url: `https://a-rather-long-name-of-a-provider-${index}.example/with/a/path/of/its/own`,
  inputPrice: 10n ** BigInt(index % 30),
  outputPrice: BigInt(index),
  updatedAt: 1_700_000_000 + index,
  model: 'ü'.repeat(index),
  verifiability: '',
  additionalInfo: JSON.stringify({ index }),
  teeSignerAddress: `0x${'fe'.repeat(19)}${(index % 256).toString(16).padStart(2, '0')}`,
  teeSignerAcknowledged: index % 2 === 0,
})

const encode = (count: number): string => {
  const services = Array.from({ length: count }, (_, index) => service(index))
  return abi.encodeFunctionResult('getAllServices', [
    services.map((item) => FIELDS.map((name) => item[name as keyof typeof item])),
    BigInt(count) + 7n,
  ])
}

describe('decodeServices', () => {
  it.each([0, 1, 2, 50])('reads what ethers reads of %i', (count) => {
    const encoded = encode(count)
    const [theirs, total] = abi.decodeFunctionResult('getAllServices', encoded)
    const ours = decodeServices(encoded)
    expect(ours.total).toBe(Number(total))
    expect(ours.services.map((item) => FIELDS.map((name) => item[name as keyof typeof item]))).toEqual(
      theirs.map((item: readonly unknown[]) =>
        FIELDS.map((name, i) => (name === 'updatedAt' ? Number(item[i]) : item[i])),
      ),
    )
  })

  it('refuses what ends too early, wherever', () => {
    const whole = encode(2)
    for (let end = 2; end < whole.length - 64; end += 64)
      expect(() => decodeServices(whole.slice(0, end))).toThrow(RangeError)
  })

  it('refuses numbers that no length can be', () => {
    const huge = encode(1).replace(/^0x(.{128})(.{64})/, `0x$1${'f'.repeat(64)}`)
    expect(() => decodeServices(huge)).toThrow(RangeError)
  })
})
