import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bytesToHex } from '../../../src/base/hex.ts'
import {
  bindingDigest,
  bindingText,
  boundReportData,
  nonceTree,
  parseBinding,
  type QuoteBinding,
  rootOfNonce,
} from '../../../src/protocol/quoteBinding.ts'

const BINDING: QuoteBinding = {
  v: 1,
  chainId: 16602,
  contract: '0xa79F4c8311FF93C06b8CfB403690cc987c93F91E',
  provider: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
  signer: '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF',
  encryptionKey: '11'.repeat(32),
  tlsSpki: null,
  models: [{ id: 'demo', digest: null }],
  capabilities: '22'.repeat(32),
}

/** Written by hand: RFC 8785 sorts keys and leaves no space. */
const TEXT =
  '{"capabilities":"2222222222222222222222222222222222222222222222222222222222222222","chainId":16602,' +
  '"contract":"0xa79F4c8311FF93C06b8CfB403690cc987c93F91E",' +
  '"encryptionKey":"1111111111111111111111111111111111111111111111111111111111111111",' +
  '"models":[{"digest":null,"id":"demo"}],"provider":"0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",' +
  '"signer":"0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF","tlsSpki":null,"v":1}'

const sha256 = (...parts: readonly (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const nonces = (count: number) => Array.from({ length: count }, (_, index) => sha256(`nonce ${index}`))

describe('a binding', () => {
  it('has one text, whose hash starts the report data', () => {
    expect(bindingText(BINDING)).toBe(TEXT)
    expect(bindingDigest(TEXT)).toBe(sha256(TEXT).toString('hex'))
    const nonce = sha256('nonce')
    expect(Buffer.from(boundReportData(TEXT, nonce))).toEqual(Buffer.concat([sha256(TEXT), nonce]))
    expect(parseBinding(TEXT)).toEqual(BINDING)
  })

  it.each([
    ['another version', TEXT.replace('"v":1', '"v":2')],
    ['a field too few', TEXT.replace('"tlsSpki":null,', '')],
    ['a field too many', TEXT.replace('"v":1', '"v":1,"w":0')],
    ['white space', `${TEXT} `],
    ['another order', TEXT.replace(/^\{("capabilities":"2+"),(.*)\}$/, '{$2,$1}')],
    ['a key of another length', TEXT.replace('11"', '"')],
    ['a model without digest', TEXT.replace('"digest":null,', '')],
    ['an address that is none', TEXT.replace('0x7E', '0xZE')],
    ['nothing', ''],
    ['a list', '[]'],
  ])('is not read with %s', (_case, text) => {
    expect(parseBinding(text)).toBeNull()
  })
})

describe('nonces that share a quote', () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 33, 100])('%i of them lead to one root, each by its own path', (count) => {
    const all = nonces(count)
    const { root, paths } = nonceTree(all)
    for (const [index, nonce] of all.entries()) {
      expect(bytesToHex(rootOfNonce(nonce, paths[index]!))).toBe(bytesToHex(root))
    }
  })

  it('are hashed as in RFC 6962, leaves apart from nodes', () => {
    const [a, b, c] = nonces(3) as [Buffer, Buffer, Buffer]
    const leaf = (nonce: Buffer) => sha256(Buffer.of(0), nonce)
    const node = (left: Buffer, right: Buffer) => sha256(Buffer.of(1), left, right)
    expect(Buffer.from(nonceTree([a]).root)).toEqual(a)
    expect(Buffer.from(nonceTree([a, b]).root)).toEqual(node(leaf(a), leaf(b)))
    expect(Buffer.from(nonceTree([a, b, c]).root)).toEqual(
      node(node(leaf(a), leaf(b)), node(leaf(c), leaf(c))),
    )
  })

  it('do not lead there by the path of another', () => {
    const all = nonces(5)
    const { root, paths } = nonceTree(all)
    for (const [index, nonce] of all.entries()) {
      for (const [other, path] of paths.entries()) {
        if (other !== index) expect(bytesToHex(rootOfNonce(nonce, path))).not.toBe(bytesToHex(root))
      }
    }
  })

  it('have paths that fit a tree', () => {
    const nonce = sha256('nonce')
    for (const index of [-1, 1]) expect(() => rootOfNonce(nonce, { index, siblings: [] })).toThrow(RangeError)
    expect(() => rootOfNonce(nonce, { index: 0, siblings: Array(17).fill('00'.repeat(32)) })).toThrow(
      RangeError,
    )
    expect(() => nonceTree([])).toThrow(RangeError)
  })
})
