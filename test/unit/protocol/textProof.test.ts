import { verifyMessage } from 'ethers'
import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../src/base/hex.ts'
import { addressOf, recoverDigest } from '../../../src/protocol/signature.ts'
import { proofText, recoverTextProof, signTextProof } from '../../../src/protocol/textProof.ts'

const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')

describe('text proof', () => {
  const proof = signTextProof(KEY, addressOf(KEY), proofText('a'.repeat(64), 'b'.repeat(64)))

  it('is a personal signature of both hashes, as ethers reads it', () => {
    expect(proof.text).toBe(`${'a'.repeat(64)}:${'b'.repeat(64)}`)
    expect(verifyMessage(proof.text, proof.signature)).toBe(addressOf(KEY))
    expect(recoverTextProof(proof)).toBe(proof.signing_address)
  })

  it('names another signer for another text', () => {
    expect(recoverTextProof({ ...proof, text: `${proof.text} ` })).not.toBe(proof.signing_address)
  })

  it('takes no malleable, short or foreign signature', () => {
    const digest = `0x${'11'.repeat(32)}` as const
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = BigInt(`0x${proof.signature.slice(66, 130)}`)
    const highS = (order - s).toString(16).padStart(64, '0')
    expect(recoverDigest(digest, `${proof.signature.slice(0, 66)}${highS}1c`)).toBeNull()
    for (const bad of [
      '',
      '0x',
      proof.signature.slice(0, -2),
      `${proof.signature.slice(0, -2)}00`,
      `0x${'00'.repeat(65)}`,
    ]) {
      expect(recoverDigest(digest, bad)).toBeNull()
    }
  })
})
