import { getBytes, Wallet } from 'ethers'
import { describe, expect, it } from 'vitest'
import type { Hex } from '../../../src/base/hex.ts'
import {
  claimsFault,
  createToken,
  encodeToken,
  isSignedByOwner,
  parseToken,
  type SessionClaims,
  tokenHash,
  tokenMessage,
} from '../../../src/protocol/sessionToken.ts'

const wallet = new Wallet(`0x${'1'.padStart(64, '0')}`)
const claims: SessionClaims = {
  address: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
  provider: '0xf07240Efa67755B5311bc75784a061eDB47165Dd',
  timestamp: 1700000000000,
  expiresAt: 1700086400000,
  nonce: '00112233445566778899aabbccddeeff',
  generation: 0,
  tokenId: 255,
}
const sign = async (hash: Hex): Promise<Hex> => (await wallet.signMessage(getBytes(hash))) as Hex

const withClaims = (change: object): string => encodeToken(JSON.stringify({ ...claims, ...change }), '0x')

/** Vectors of client-wire.md section 1.4, made by the live network's client. */
const HASH = '0xb62032d3bb4c322fa7c96d8489300b8098ad62d609596e9d32dbbf7d13774f73'
const TOKEN =
  'app-sk-eyJhZGRyZXNzIjoiMHg3RTVGNDU1MjA5MUE2OTEyNWQ1RGZDYjdiOEMyNjU5MDI5Mzk1QmRmIiwicHJvdmlkZXIiOiIweGYwNzI0MEVmYTY3NzU1QjUzMTFiYzc1Nzg0YTA2MWVEQjQ3MTY1RGQiLCJ0aW1lc3RhbXAiOjE3MDAwMDAwMDAwMDAsImV4cGlyZXNBdCI6MTcwMDA4NjQwMDAwMCwibm9uY2UiOiIwMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZiIsImdlbmVyYXRpb24iOjAsInRva2VuSWQiOjI1NX18MHg4YjYxZWE2NmJkZDhiYzVlNzcwNzcxYmY4ZjNiZmMwNDJiYmNjNzVhZmRlMTYxODdkZjkyMmFjZGM0ODg2ZjZkMjE4OTk3NGFiYmY5NmRhMWU2OGQ3YzY3N2QyNTI5YTA4OWU5MDljMTVkZWFlYTYyYTlhY2VmZjFiNGNlZDgyZTFi'

const CONTRACT = '0x2222222222222222222222222222222222222222'

describe('session token', () => {
  it('names its owner as calls of contracts take it, in whatever case it was signed', () => {
    for (const address of [
      claims.address.toLowerCase(),
      claims.address.replace('aDa', 'AdA').replace('E5F', 'e5f'),
    ])
      expect(parseToken(withClaims({ address }))?.claims.address).toBe(claims.address)
  })

  it('is byte for byte the one of the live client', async () => {
    expect(tokenHash(tokenMessage(claims))).toBe(HASH)
    expect(await createToken(claims, sign)).toBe(TOKEN)
  })

  it('is taken apart and recognised', () => {
    const parsed = parseToken(TOKEN)
    expect(parsed?.claims).toEqual(claims)
    expect(isSignedByOwner(parsed!)).toBe(true)
  })

  it('can name its chain, contract and session key, after the keys of the deployed format', async () => {
    const bound = { ...claims, chainId: 16602, contract: CONTRACT, sessionKey: claims.address } as const
    const parsed = parseToken(await createToken(bound, sign))!
    expect(parsed.claims).toEqual(bound)
    expect(isSignedByOwner(parsed)).toBe(true)
    expect(parsed.message.slice(0, -1)).toContain(tokenMessage(claims).slice(0, -1))
    expect(Object.keys(JSON.parse(parsed.message)).slice(7)).toEqual(['chainId', 'contract', 'sessionKey'])
  })

  it('can say what it may spend, after everything else', async () => {
    const limited = { ...claims, chainId: 16602, contract: CONTRACT, limit: '5', limitPer: 'day' } as const
    const parsed = parseToken(await createToken(limited, sign))!
    expect(parsed.claims).toEqual(limited)
    expect(Object.keys(JSON.parse(parsed.message)).slice(9)).toEqual(['limit', 'limitPer'])
    const raised = parsed.message.replace('"limit":"5"', '"limit":"9"')
    expect(isSignedByOwner(parseToken(encodeToken(raised, parsed.signature))!)).toBe(false)
  })

  it('is refused with another address, signature or message', async () => {
    const { message, signature } = parseToken(TOKEN)!
    const other = message.replace('"tokenId":255', '"tokenId":254')
    expect(isSignedByOwner(parseToken(encodeToken(other, signature))!)).toBe(false)
    const stolen = { ...claims, address: '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF' as const }
    expect(isSignedByOwner(parseToken(await createToken(stolen, sign))!)).toBe(false)
    for (const bad of ['0x', `${signature.slice(0, -2)}00`, signature.slice(0, -2)] as Hex[]) {
      expect(isSignedByOwner(parseToken(encodeToken(message, bad))!)).toBe(false)
    }
  })

  it.each([
    ['no prefix', TOKEN.slice(7)],
    ['no base64', 'app-sk-%%%'],
    ['no bar', `app-sk-${btoa('{}')}`],
    ['no JSON', `app-sk-${btoa('x|0x')}`],
    ['no claims', `app-sk-${btoa('{"address":1}|0x')}`],
    ['too long', `app-sk-${'A'.repeat(5000)}`],
    ['a chain without a contract', withClaims({ chainId: 1 })],
    ['a contract without a chain', withClaims({ contract: CONTRACT })],
    ['a session key without a contract', withClaims({ sessionKey: CONTRACT })],
    ['a session key that is none', withClaims({ chainId: 1, contract: CONTRACT, sessionKey: '0x1' })],
    ['a limit without a contract', withClaims({ limit: '5', limitPer: 'day' })],
    ...[
      { limit: '5' },
      { limitPer: 'day' },
      { limit: '0', limitPer: 'day' },
      { limit: 5, limitPer: 'day' },
      { limit: '-5', limitPer: 'day' },
      { limit: '1e3', limitPer: 'total' },
      { limit: '5', limitPer: 'week' },
    ].map((limit) => [
      `a limit that is none: ${JSON.stringify(limit)}`,
      withClaims({ chainId: 1, contract: CONTRACT, ...limit }),
    ]),
    ['empty', ''],
  ])('is no token: %s', (_name, text) => expect(parseToken(text)).toBeNull())

  const at = 1700000000000
  it.each([
    ['its provider', {}, null],
    ['another provider', { provider: claims.address }, 'provider'],
    ['expired', { expiresAt: at }, 'expired'],
    ['ephemeral without end', { expiresAt: 0 }, 'too_long'],
    ['ephemeral above 24 h', { expiresAt: at + 86_400_001 }, 'too_long'],
    ['persistent without end', { expiresAt: 0, tokenId: 3 }, null],
    ['its contract', { chainId: 16602, contract: CONTRACT }, null],
    ['another contract', { chainId: 16602, contract: claims.address }, 'domain'],
    ['another chain', { chainId: 16661, contract: CONTRACT }, 'domain'],
    ['of tomorrow', { timestamp: at + 86_400_000, tokenId: 3, expiresAt: 0 }, 'not_yet_valid'],
  ] as const)('judges claims: %s', (_name, change, fault) => {
    const provider = '0xF07240EFA67755B5311BC75784A061EDB47165DD'
    const home = { provider, chainId: 16602, contract: CONTRACT } as const
    expect(claimsFault({ ...claims, ...change }, home, at)).toBe(fault)
  })
})
