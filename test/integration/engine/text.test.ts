import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getLlama } from 'node-llama-cpp'
import { describe, expect, it } from 'vitest'
import { Detokenizer } from '../../../src/provider/engine/embedded/child/detokenizer.ts'
import { toGrammarSchema } from '../../../src/provider/engine/embedded/child/jsonSchema.ts'
import { SseStream } from '../../../src/provider/engine/embedded/child/sseStream.ts'
import { StopStrings } from '../../../src/provider/engine/embedded/child/stopStrings.ts'
import { MODEL_PATH } from './fixtures/engines.ts'

describe('Detokenizer', () => {
  it('never gives out a part of a character', async () => {
    const llama = await getLlama({ gpu: false, build: 'never', logger: () => {} })
    const model = await llama.loadModel({ modelPath: MODEL_PATH, vocabOnly: true })
    const text = 'Grüße, 数据 😀👩‍👧 two  spaces\n\nend'
    const tokens = model.tokenize(text)
    const detokenizer = new Detokenizer(model)
    const pieces = tokens.map((token) => detokenizer.push(token))
    expect(pieces.join('') + detokenizer.flush()).toBe(text)
    expect(pieces.filter((piece) => piece.includes('\uFFFD'))).toEqual([])
    expect(pieces).toContain('😀')
    await llama.dispose()
  })
})

describe('StopStrings', () => {
  const cases: [string, string[], string[], string][] = [
    ['nothing to stop at', [], ['a', 'b'], 'ab'],
    ['in one piece', ['stop'], ['go stop now'], 'go '],
    ['across pieces', ['</end>'], ['a<', '/', 'end', '>b'], 'a'],
    ['only a beginning', ['</end>'], ['a</en', 'x'], 'a</enx'],
    ['a beginning at the end', ['abc'], ['xab'], 'xab'],
    ['a beginning inside another', ['aab'], ['a', 'a', 'a', 'b'], 'a'],
    ['the first of two', ['two', 'one'], ['x one two'], 'x '],
  ]
  it.each(cases)('%s', (_name, stops, pieces, expected) => {
    const stopStrings = new StopStrings(stops)
    const text = pieces.map((piece) => stopStrings.push(piece)).join('') + stopStrings.flush()
    expect(text).toBe(expected)
  })
})

describe('toGrammarSchema', () => {
  it('drops what says nothing and turns anyOf into oneOf', () => {
    const schema = {
      title: 't',
      type: 'object',
      properties: { a: { anyOf: [{ type: 'null' }, { const: 1 }] } },
    }
    const properties = { a: { oneOf: [{ type: 'null' }, { const: 1 }] } }
    expect(toGrammarSchema(schema)).toEqual({ type: 'object', properties })
  })

  it.each([{ pattern: 'a' }, { items: { minimum: 1 } }, { format: 'email' }, { not: {} }])(
    'refuses %j',
    (schema) => {
      expect(() => toGrammarSchema(schema)).toThrow(expect.objectContaining({ code: 'unsupported_schema' }))
    },
  )
})

describe('SseStream', () => {
  it('waits for a slow reader, and ends with one that leaves', async () => {
    const event = { text: 'x'.repeat(100_000) }
    let sent = 0
    let buffered = 0
    const flood = async (_request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const left = new AbortController()
      response.once('close', () => left.abort())
      const stream = new SseStream(response, left.signal)
      for (; sent < 1_000; sent++) {
        await stream.send(event)
        buffered = Math.max(buffered, response.writableLength)
      }
    }
    const outcome = Promise.withResolvers<unknown>()
    const server = createServer((request, response) =>
      flood(request, response).then(outcome.resolve, outcome.resolve),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = get({ port: (server.address() as AddressInfo).port })
    const [response] = await once(client, 'response')
    response.pause()
    for (let last = -1; last !== sent; await new Promise((resolve) => setTimeout(resolve, 500))) last = sent
    expect(sent).toBeLessThan(1_000)
    expect(buffered).toBeLessThan(1_000_000)
    client.destroy()
    expect(await outcome.promise).toMatchObject({ name: 'AbortError' })
    server.close()
  })
})
