import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { multipart } from '../../../../src/client/finetune/multipart.ts'

describe('a form with a file', () => {
  it('is read by a standard parser, file first, and as long as it says', async () => {
    const content = Buffer.concat([randomBytes(100_000), Buffer.from('\r\n--zg\r\n')])
    const { headers, stream } = multipart(
      {
        name: 'facts.jsonl',
        bytes: content.length,
        content: Readable.from([content.subarray(0, 7), content.subarray(7)]),
      },
      { signature: '0xab', timestamp: '1700000000' },
    )
    const pieces: Uint8Array[] = []
    for await (const piece of stream) pieces.push(piece)
    const body = Buffer.concat(pieces)
    expect(headers['content-length']).toBe(String(body.length))
    const form = await new Response(body, { headers: { 'content-type': headers['content-type'] } }).formData()
    expect([...form.keys()]).toEqual(['file', 'signature', 'timestamp'])
    const file = form.get('file') as File
    expect(file.name).toBe('facts.jsonl')
    expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBe(true)
    expect([form.get('signature'), form.get('timestamp')]).toEqual(['0xab', '1700000000'])
  })
})
