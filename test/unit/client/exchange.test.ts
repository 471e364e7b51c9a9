import { expect, it } from 'vitest'
import { type FinishedExchange, startExchange } from '../../../src/client/exchange.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { Runtime } from '../../../src/client/runtime.ts'

const CHUNK = new Uint8Array(8 * 1024 * 1024).fill(0x20)

/** A provider that never stops. */
function endless(sent: { chunks: number }): Runtime {
  async function* body() {
    for (;;) {
      sent.chunks++
      yield CHUNK
    }
  }
  return {
    ...nodeRuntime(),
    request: async () => ({ status: 200, header: () => null, body: body(), tlsKey: null }),
  }
}

async function finish(runtime: Runtime, stream: boolean): Promise<FinishedExchange> {
  const running = await startExchange(runtime, {
    url: 'http://127.0.0.1:1',
    endpoint: '/v1/chat/completions',
    credential: { auth: 'session', headersFor: () => ({}) },
    body: new Uint8Array(),
    contentType: 'application/json',
    sealed: null,
    prices: { input: 1n, output: 1n },
    stream,
    patienceMs: 1000,
  })
  const pieces = running.pieces()
  for (;;) {
    const step = await pieces.next()
    if (step.done) return step.value
  }
}

it.each([
  ['a whole answer', false, 17],
  ['a line of a stream', true, 3],
])('%s without end is cut where it is larger than any', async (_name, stream, chunks) => {
  const sent = { chunks: 0 }
  const { cut, whole } = await finish(endless(sent), stream)
  expect([cut?.code, whole, sent.chunks]).toEqual(['provider_answer_malformed', false, chunks])
})
