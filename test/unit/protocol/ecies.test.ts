import { randomBytes } from 'node:crypto'
import { decrypt, encrypt, PrivateKey } from 'eciesjs'
import { describe, expect, it } from 'vitest'
import { bytesToHex } from '../../../src/base/hex.ts'
import { ECIES_OVERHEAD, eciesDecrypt, eciesEncrypt } from '../../../src/protocol/finetune/ecies.ts'

const user = new PrivateKey()
const uncompressed = user.publicKey.toBytes(false)
const compressed = user.publicKey.toBytes(true)

describe.each([0, 1, 15, 16, 17, 32, 1000])('%i bytes', (length) => {
  const secret = Uint8Array.from(randomBytes(length))

  it('sealed here open with the library of the deployed network, and the other way round', async () => {
    for (const key of [uncompressed, compressed]) {
      const sealed = await eciesEncrypt(key, secret)
      expect(sealed).toHaveLength(ECIES_OVERHEAD + length)
      expect(bytesToHex(decrypt(user.secret, sealed))).toBe(bytesToHex(secret))
      expect(bytesToHex(await eciesDecrypt(user.secret, encrypt(key, secret)))).toBe(bytesToHex(secret))
      expect(bytesToHex(await eciesDecrypt(user.secret, sealed))).toBe(bytesToHex(secret))
    }
  })
})

describe('what is sealed', () => {
  it('differs each time', async () => {
    const [first, second] = [
      await eciesEncrypt(uncompressed, user.secret),
      await eciesEncrypt(uncompressed, user.secret),
    ]
    expect(bytesToHex(first.subarray(0, 65))).not.toBe(bytesToHex(second.subarray(0, 65)))
    expect(bytesToHex(first.subarray(65, 81))).not.toBe(bytesToHex(second.subarray(65, 81)))
  })

  it('opens for its wallet alone', async () => {
    const sealed = await eciesEncrypt(uncompressed, randomBytes(32))
    await expect(eciesDecrypt(new PrivateKey().secret, sealed)).rejects.toMatchObject(NOT_FOR_THIS_WALLET)
  })

  it('does not open when any byte was changed, or an end cut off', async () => {
    const sealed = await eciesEncrypt(uncompressed, randomBytes(32))
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte))
      await expect(eciesDecrypt(user.secret, changed), `byte ${at}`).rejects.toMatchObject(
        NOT_FOR_THIS_WALLET,
      )
    }
    for (const length of [0, 32, 33, 64, 65, 81, 96, 128])
      await expect(eciesDecrypt(user.secret, sealed.subarray(0, length))).rejects.toMatchObject(
        NOT_FOR_THIS_WALLET,
      )
  })
})

it.each([
  ['no point of the curve', Uint8Array.of(4, ...new Uint8Array(64).fill(1))],
  ['a private key', user.secret],
  ['a point without its prefix', uncompressed.subarray(1)],
  ['nothing', new Uint8Array()],
])('seals for no key that is %s', async (_name, key) => {
  await expect(eciesEncrypt(key, randomBytes(32))).rejects.toMatchObject({ code: 'wrong_public_key' })
})

const NOT_FOR_THIS_WALLET = { code: 'key_not_for_this_wallet' }
