import { describe, expect, it } from 'vitest'
import { hexToBytes } from '../../../../src/base/hex.ts'
import {
  cancelTaskDigest,
  createTaskDigest,
  downloadDigest,
  isTimely,
  parseTaskReadHeader,
  taskReadDigest,
  taskReadHeader,
  uploadDigest,
} from '../../../../src/protocol/finetune/signatures.ts'
import {
  addressOf,
  personalBytesDigest,
  recoverDigest,
  signDigest,
} from '../../../../src/protocol/signature.ts'

/** Vectors of client-wire.md section 2.3. */
const KEY = hexToBytes(`0x${'0'.repeat(63)}1`)
const USER = '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'
const ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'
const DATASET = '0xaae9b4e031e06f84b20f10ec629f36c57719ea512992a6b7e2baea93f447a5fa'
const AT = 1_700_000_000

const vectors = [
  [
    'create',
    createTaskDigest(USER, 17000000000000040n, DATASET),
    '0x1f2f181cd93639e1a8d159ad7e59318d99ac2cfba59403f6d11e126581db7de7',
    '0xad1c1e6fce702b1017d78b4674f4c12a43f330696717c51f7f7587cf8a0151e9208fa0781d6e72abecb3bba82ae82f8e7d84e73eb2c7d3c325ef595ec5fbe8b41c',
  ],
  [
    'cancel',
    cancelTaskDigest(ID),
    '0x755a4242d07e6da8f422be290c03586d119c1f65d055a280fbbac355be8f0bbb',
    '0x46da953ed3cd04a3bc134b15d3588918c02422cb0063c4d13cab009cc7f81a8c4959ccf3c564caab8b382e9310a99f1886fb4b0d0d6978e94bba5c0abd38beb21b',
  ],
  [
    'upload',
    uploadDigest(USER, AT),
    '0x310865e65e6433cbe3844b38f9c30549d3d30760427bae630340f41be5f99dad',
    '0x5a74b91467039a6fcea74fcfb30e43d563528254fa7cd1700e143b0915cc19e3394c33abd2fedd2bcfccf58341f4cc36ab5daa233d2fef5c4d0c52f7b9331fd81b',
  ],
  [
    'download',
    downloadDigest(ID, AT),
    '0x193a5a1ac4d53b8aee3d1f23f94f62349d7a22273fcd4d47464bb935e67d10a0',
    '0x946fdba4b7cb278935dd2fc27286c55d96fda66a1ebbd872d74eed7297a80d757529836a7f13680a163f6e00b18e5e1338031e440bd968cca6573aa665bacdaf1b',
  ],
] as const

describe('signatures of a task', () => {
  it.each(vectors)('%s: digest and signature of the deployed network', (_, digest, expected, signature) => {
    expect(digest).toBe(expected)
    expect(signDigest(KEY, personalBytesDigest(digest))).toBe(signature)
  })

  it('signs all 32 bytes where the digest begins with zero', () => {
    const seconds = Array.from({ length: 2000 }, (_, i) => AT + i)
    const at = seconds.find((second) => downloadDigest(ID, second).startsWith('0x00'))!
    const digest = downloadDigest(ID, at)
    const signature = signDigest(KEY, personalBytesDigest(digest))
    expect(recoverDigest(personalBytesDigest(digest), signature)).toBe(addressOf(KEY).toLowerCase())
  })

  it('keeps reading apart from downloading, and its header is read strictly', () => {
    expect(taskReadDigest(ID, AT)).not.toBe(downloadDigest(ID, AT))
    const signature = signDigest(KEY, personalBytesDigest(taskReadDigest(ID, AT)))
    expect(parseTaskReadHeader(taskReadHeader(AT, signature))).toEqual({ timestampSeconds: AT, signature })
    for (const bad of ['', `${AT}`, `${AT}:0x12`, `-1:${signature}`, `${AT}:${signature} `]) {
      expect(parseTaskReadHeader(bad)).toBeNull()
    }
    expect(() => cancelTaskDigest('not-a-uuid')).toThrow(TypeError)
  })

  it('takes timestamps from five minutes ago to one ahead', () => {
    expect([-61, -60, 0, 300, 301].map((age) => isTimely(AT - age, AT))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
  })
})
