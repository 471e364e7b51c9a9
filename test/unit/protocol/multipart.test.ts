import { describe, expect, it } from 'vitest'
import { readMultipart } from '../../../src/protocol/multipart.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const form = (parts: number, boundary = 'b'): Uint8Array =>
  bytes(
    `${`--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n`.repeat(parts)}--${boundary}--\r\n`,
  )
const type = (boundary: string): string => `multipart/form-data; boundary=${boundary}`

describe('a form', () => {
  it.each([
    ['b', 'b'],
    ['"b"', 'b'],
    ['b; charset=utf-8', 'b'],
    ['----WebKitFormBoundary7MA4YWxkTrZu0gW', '----WebKitFormBoundary7MA4YWxkTrZu0gW'],
  ])('is read with the boundary %s', async (stated, boundary) => {
    expect((await readMultipart(form(2, boundary), type(stated)))?.getAll('a')).toEqual(['x', 'x'])
  })

  it('may have as many parts as any request has, and no more', async () => {
    expect([...(await readMultipart(form(256), type('b')))!]).toHaveLength(256)
    expect(await readMultipart(form(257), type('b'))).toBeNull()
  })

  it.each([
    ['of another type', form(1), 'application/json'],
    ['without a boundary', form(1), 'multipart/form-data'],
    ['with a boundary that readers may read differently', form(1), type('"a\\"b"')],
    ['without its end', bytes('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'), type('b')],
  ])('%s is none', async (_name, body, contentType) => {
    expect(await readMultipart(body, contentType)).toBeNull()
  })
})
