import { randomBytes } from 'node:crypto'
import { SigningKey } from 'ethers'
import { describe, expect, it } from 'vitest'
import { native, portable } from '../../../src/protocol/secp256k1.ts'

describe('secp256k1', () => {
  it('is native here', () => {
    expect(native).not.toBeNull()
  })

  it('signs and recovers alike, native and portable', () => {
    for (let i = 0; i < 20; i++) {
      const [key, digest] = [randomBytes(32), randomBytes(32)]
      const signed = native!.sign(digest, key)
      const other = portable.sign(digest, key)
      expect(Buffer.from(other.signature)).toEqual(Buffer.from(signed.signature))
      expect(other.recid).toBe(signed.recid)
      const publicKey = Buffer.from(native!.recover(signed.signature, signed.recid, digest))
      expect(Buffer.from(portable.recover(signed.signature, signed.recid, digest))).toEqual(publicKey)
      expect(`0x${publicKey.toString('hex')}`).toBe(new SigningKey(key).publicKey)
    }
  })

  it.each([['native', native!] as const, ['portable', portable] as const])(
    '%s: no point, no key',
    (_name, curve) => {
      expect(() => curve.recover(new Uint8Array(64).fill(0xff), 0, new Uint8Array(32).fill(1))).toThrow()
    },
  )
})
