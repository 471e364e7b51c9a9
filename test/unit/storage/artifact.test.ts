import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PrivateKey } from 'eciesjs'
import { SigningKey, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesToHex, type Hex } from '../../../src/base/hex.ts'
import {
  ARTIFACT,
  artifactBytes,
  artifactChunks,
  artifactDigest,
  chunkNonce,
} from '../../../src/protocol/finetune/artifact.ts'
import { eciesEncrypt } from '../../../src/protocol/finetune/ecies.ts'
import { addressOf, signDigest } from '../../../src/protocol/signature.ts'
import { decryptArtifact } from '../../../src/storage/artifact/decryptArtifact.ts'
import { encryptArtifact } from '../../../src/storage/artifact/encryptArtifact.ts'

interface DeployedCrypto {
  eciesDecrypt(wallet: Wallet, encrypted: string): Promise<string>
  aesGCMDecryptToFile(key: string, sealed: string, plain: string, signer: string): Promise<void>
}

/** The deployed client's own code, as npm has it. Its package exports do not name this file. */
const deployed: DeployedCrypto = createRequire(import.meta.url)(
  resolve('node_modules/@0gfoundation/0g-compute-ts-sdk/lib.commonjs/common/utils/encrypt.js'),
)

const enclave = Uint8Array.from(randomBytes(32))
const signer = addressOf(enclave)
const user = PrivateKey.fromHex(bytesToHex(randomBytes(32)))
const key = randomBytes(32)
/** One chunk and some bytes of a second. */
const twoChunks = randomBytes(ARTIFACT.chunkBytes + 1000)

let folder: string
const at = (name: string) => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'artifact-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const seal = (target: string, ...plaintext: Uint8Array[]) =>
  encryptArtifact({
    plaintext: (async function* () {
      yield* plaintext
    })(),
    target,
    key,
    sign: (digest) => signDigest(enclave, digest),
  })

const open = (source: string, target = at('opened'), secret: Uint8Array = key, by = signer) =>
  decryptArtifact({ source, target, key: secret, signer: by })

/** An artifact written from the specification alone, with Node's and ethers' primitives. */
function deployedLayout(plaintext: Buffer, recoveryBase: 0 | 27): Buffer {
  const nonce = Buffer.from('fffffffffffffffffffffffe', 'hex')
  const nonces = [nonce, Buffer.from('ffffffffffffffffffffffff', 'hex'), Buffer.alloc(12)]
  const parts: Buffer[] = []
  const tags: Buffer[] = []
  for (let from = 0; from < plaintext.length; from += ARTIFACT.chunkBytes) {
    const cipher = createCipheriv('aes-256-gcm', key, nonces[tags.length]!)
    parts.push(cipher.update(plaintext.subarray(from, from + ARTIFACT.chunkBytes)), cipher.final())
    tags.push(cipher.getAuthTag())
    parts.push(tags.at(-1)!)
  }
  const { r, s, yParity } = new SigningKey(enclave).sign(artifactDigest(tags))
  const signature = Buffer.from(r.slice(2) + s.slice(2), 'hex')
  return Buffer.concat([signature, Buffer.of(yParity + recoveryBase), nonce, ...parts])
}

describe('artifact', () => {
  it('opens with the deployed network’s own client library, key and file, also beyond one chunk', async () => {
    const bytes = await seal(at('ours'), twoChunks.subarray(0, 100), twoChunks.subarray(100))
    expect(bytes).toBe(artifactBytes(twoChunks.length))
    const secret = await eciesEncrypt(user.publicKey.toBytes(), key)
    const wallet = new Wallet(user.toHex())
    const found = await deployed.eciesDecrypt(wallet, `0x${bytesToHex(secret)}`)
    await deployed.aesGCMDecryptToFile(found, at('ours'), at('theirs'), signer)
    expect(readFileSync(at('theirs')).equals(twoChunks)).toBe(true)
  })

  it.each([0, 27] as const)(
    'is opened as deployed brokers write it, recovery id from %i, two chunks, a nonce that wraps',
    async (base) => {
      const plaintext = Buffer.concat([twoChunks, twoChunks.subarray(0, ARTIFACT.chunkBytes)])
      writeFileSync(at('deployed'), deployedLayout(base ? twoChunks : plaintext, base))
      await open(at('deployed'))
      expect(readFileSync(at('opened')).equals(base ? twoChunks : plaintext)).toBe(true)
    },
  )

  it.each([1, 15, 16, 17, 1000])('of %i bytes comes back, by theirs and ours', async (length) => {
    const plaintext = twoChunks.subarray(0, length)
    await seal(at('small'), plaintext)
    expect(await open(at('small'))).toBe(length)
    expect(readFileSync(at('opened')).equals(plaintext)).toBe(true)
    await deployed.aesGCMDecryptToFile(bytesToHex(key), at('small'), at('theirs'), signer)
    expect(readFileSync(at('theirs')).equals(plaintext)).toBe(true)
  })

  it('keeps nothing when a check fails, and says which', async () => {
    const source = at('spoilt')
    const target = at('never')
    const whole = deployedLayout(twoChunks, 0)
    const refused = async (code: string, bytes: Uint8Array, secret?: Uint8Array, by?: Hex) => {
      writeFileSync(source, bytes)
      await expect(open(source, target, secret, by)).rejects.toMatchObject({ code, exitCode: 10 })
      expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([])
    }
    const changedAt = (offset: number) => {
      const copy = Buffer.from(whole)
      copy[offset]! ^= 1
      return copy
    }
    await refused('artifact_wrong_key', whole, randomBytes(32))
    await refused('artifact_not_signed', whole, key, addressOf(Uint8Array.from(randomBytes(32))))
    await refused('artifact_wrong_key', changedAt(1000))
    await refused('artifact_damaged', changedAt(whole.length - 100))
    await refused('artifact_not_signed', changedAt(whole.length - 1))
    await refused('artifact_not_signed', changedAt(3))
    await refused('artifact_not_signed', whole.subarray(0, whole.length - 10))
    await refused('artifact_truncated', whole.subarray(0, ARTIFACT.headerBytes + ARTIFACT.chunkBytes + 20))
    await refused('artifact_truncated', whole.subarray(0, 70))
    await refused('artifact_truncated', Buffer.alloc(0))
  })

  it('is not made of nothing, nor left half when signing fails', async () => {
    await expect(seal(at('empty'))).rejects.toMatchObject({ code: 'artifact_empty' })
    const unsigned = encryptArtifact({
      plaintext: (async function* () {
        yield randomBytes(10)
      })(),
      target: at('empty'),
      key,
      sign: () => Promise.reject(new Error('the enclave is gone')),
    })
    await expect(unsigned).rejects.toThrow('the enclave is gone')
    expect(readdirSync(folder).filter((name) => name.startsWith('empty'))).toEqual([])
  })

  it('knows its chunks from its length', () => {
    for (const bytes of [1, ARTIFACT.chunkBytes, ARTIFACT.chunkBytes + 1, 3 * ARTIFACT.chunkBytes]) {
      const chunks = artifactChunks(artifactBytes(bytes))!
      expect(chunks).toHaveLength(Math.ceil(bytes / ARTIFACT.chunkBytes))
      expect(chunks.reduce((total, chunk) => total + chunk.bytes, 0)).toBe(bytes)
    }
    for (const length of [0, 77, 93, artifactBytes(ARTIFACT.chunkBytes) + 16])
      expect(artifactChunks(length)).toBeNull()
  })

  it('counts its nonce up over all twelve bytes', () => {
    expect(bytesToHex(chunkNonce(Buffer.from('0000000000000000000000ff', 'hex'), 1))).toBe(
      '000000000000000000000100',
    )
    expect(bytesToHex(chunkNonce(Buffer.from('00000000000000000000ffff', 'hex'), 257))).toBe(
      '000000000000000000010100',
    )
    expect(bytesToHex(chunkNonce(Buffer.alloc(12, 255), 2))).toBe('000000000000000000000001')
  })
})
