import { getBytes, TypedDataEncoder, Wallet, zeroPadBytes } from 'ethers'
import { describe, expect, it } from 'vitest'
import { sha256Text } from '../../../src/protocol/canonical.ts'
import {
  EMPTY_BODY_HASH,
  parseRequestSignature,
  type RequestStatement,
  recoverRequest,
  requestDigest,
  signRequest,
} from '../../../src/protocol/signedRequest.ts'

const wallet = new Wallet(`0x${'1'.padStart(64, '0')}`)
const KEY = getBytes(wallet.privateKey)
const CHAIN = 31337
const CONTRACT = '0x2222222222222222222222222222222222222222'
const STATEMENT: RequestStatement = {
  token: `0x${'ab'.repeat(32)}`,
  nonce: '00112233445566778899aabbccddeeff',
  time: 1_700_000_000,
  head: {
    method: 'POST',
    path: '/v1/proxy/chat/completions',
    headers: { 'zg-max-price': 'input=1,output=2', accept: 'anything' },
  },
  bodyHash: sha256Text('body').slice(2),
}

const recovered = (statement: RequestStatement, contract: `0x${string}` = CONTRACT, chain = CHAIN) =>
  recoverRequest(
    chain,
    contract,
    statement,
    parseRequestSignature(signRequest(KEY, CHAIN, CONTRACT, STATEMENT))!.signature,
  )

describe('a signed request', () => {
  it('is the typed data that ethers hashes', () => {
    const head =
      'POST /v1/proxy/chat/completions\nzg-cap-output: \nidempotency-key: \nzg-max-price: input=1,output=2'
    const domain = { name: '0G Inference Serving', version: '1', chainId: CHAIN, verifyingContract: CONTRACT }
    const types = {
      Request: [
        { name: 'token', type: 'bytes32' },
        { name: 'nonce', type: 'bytes16' },
        { name: 'time', type: 'uint64' },
        { name: 'head', type: 'bytes32' },
        { name: 'body', type: 'bytes32' },
      ],
    }
    const { token, nonce, time, bodyHash } = STATEMENT
    const value = {
      token,
      nonce: zeroPadBytes(`0x${nonce}`, 16),
      time,
      head: sha256Text(head),
      body: `0x${bodyHash}`,
    }
    expect(requestDigest(CHAIN, CONTRACT, STATEMENT)).toBe(TypedDataEncoder.hash(domain, types, value))
  })

  it('travels in one header and names its signer', () => {
    const header = signRequest(KEY, CHAIN, CONTRACT, STATEMENT)
    expect(parseRequestSignature(header)).toMatchObject({
      nonce: STATEMENT.nonce,
      time: STATEMENT.time,
      bodyHash: STATEMENT.bodyHash,
    })
    expect(recovered(STATEMENT)).toBe(wallet.address.toLowerCase())
    expect(EMPTY_BODY_HASH).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  const { head } = STATEMENT
  it.each<[string, Partial<RequestStatement>]>([
    ['token', { token: `0x${'ac'.repeat(32)}` }],
    ['nonce', { nonce: 'ff'.repeat(16) }],
    ['time', { time: STATEMENT.time + 1 }],
    ['body', { bodyHash: sha256Text('other').slice(2) }],
    ['method', { head: { ...head, method: 'GET' } }],
    ['path', { head: { ...head, path: '/v1/proxy/embeddings' } }],
    ['price', { head: { ...head, headers: { 'zg-max-price': 'input=9,output=9' } } }],
    ['idempotency key', { head: { ...head, headers: { ...head.headers, 'idempotency-key': 'a' } } }],
    ['cap', { head: { ...head, headers: { ...head.headers, 'zg-cap-output': 'balance' } } }],
  ])('is of nobody with another %s', (_name, change) => {
    expect(recovered({ ...STATEMENT, ...change })).not.toBe(wallet.address.toLowerCase())
  })

  it('is of nobody on another chain or contract, and does not mind other headers', () => {
    expect(recovered(STATEMENT, wallet.address as `0x${string}`)).not.toBe(wallet.address.toLowerCase())
    expect(recovered(STATEMENT, CONTRACT, 1)).not.toBe(wallet.address.toLowerCase())
    const headers = { ...head.headers, accept: 'else' }
    expect(recovered({ ...STATEMENT, head: { ...head, headers } })).toBe(wallet.address.toLowerCase())
  })

  it.each([
    '',
    'v1',
    'v2,a,b,c,d',
    `v1,${'0'.repeat(31)},1,${'0'.repeat(64)},0x${'0'.repeat(130)}`,
    `v1,${'0'.repeat(32)},-1,${'0'.repeat(64)},0x${'0'.repeat(130)}`,
    `v1,${'0'.repeat(32)},1,${'0'.repeat(64)},0x00`,
  ])('is no header: %s', (text) => expect(parseRequestSignature(text)).toBeNull())
})
