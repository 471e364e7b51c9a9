import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineAnswer } from '../../../src/provider/server/engineAnswer.ts'

/** What the engine does with the next request. */
let serve: (res: ServerResponse) => void = () => {}
const server = createServer((_req, res) => serve(res))
let client: Client

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterAll(async () => {
  await client.destroy()
  server.closeAllConnections()
  server.close()
})

function ask(controller = new AbortController()) {
  const over = Promise.withResolvers<void>()
  const answer = new EngineAnswer(controller.signal, over.resolve)
  client.dispatch({ method: 'POST', path: '/', body: '{}' }, answer)
  return { response: answer.response, over: over.promise, controller }
}

describe("an engine's answer", () => {
  it('comes in its pieces, and then the engine is free', async () => {
    serve = (res) => {
      res.writeHead(200, { 'content-type': 'text/plain' }).write('one ')
      setTimeout(() => res.end('two'), 20)
    }
    const { response, over } = ask()
    const { statusCode, headers, body } = await response
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain'])
    const pieces: string[] = []
    for await (const piece of body) pieces.push(piece.toString())
    expect(pieces.join('')).toBe('one two')
    await over
  })

  it('that breaks off is read up to there', async () => {
    serve = (res) => {
      res.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => res.destroy(), 20)
    }
    const { response, over } = ask()
    const pieces: string[] = []
    const { body } = await response
    await expect(
      (async () => {
        for await (const piece of body) pieces.push(piece.toString())
      })(),
    ).rejects.toThrow()
    expect(pieces).toEqual(['half'])
    await over
  })

  it('that nobody reads on is ended at the engine', async () => {
    const left = Promise.withResolvers<void>()
    serve = (res) => {
      res.once('close', () => left.resolve())
      res.writeHead(200).write('one')
    }
    const { response, over } = ask()
    for await (const piece of (await response).body) {
      expect(piece.toString()).toBe('one')
      break
    }
    await Promise.all([left.promise, over])
  })

  it('is ended by its signal, before its head and after', async () => {
    const waits = Promise.withResolvers<void>()
    serve = () => waits.resolve()
    const early = ask()
    await waits.promise
    early.controller.abort()
    await expect(early.response).rejects.toThrow()
    await early.over

    serve = (res) => void res.writeHead(200).flushHeaders()
    const late = ask()
    const { body } = await late.response
    late.controller.abort()
    await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow()
    await late.over
  })

  it('holds the engine back while nobody reads, and loses nothing', async () => {
    const MANY = 1000
    const piece = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    serve = (res) => {
      res.writeHead(200)
      const more = () => {
        while (written < MANY) {
          written++
          if (!res.write(piece)) return void res.once('drain', more)
        }
        res.end()
      }
      more()
    }
    const { response } = ask()
    const { body } = await response
    // Sockets hold some megabytes; what is left stays at the engine for as long as nobody reads.
    for (let last = -1; last !== written; await new Promise((resolve) => setTimeout(resolve, 200)))
      last = written
    expect(written).toBeLessThan(MANY)
    let bytes = 0
    for await (const chunk of body) bytes += chunk.length
    expect(bytes).toBe(MANY * piece.length)
  })
})
