import { expect, it } from 'vitest'
import { passRefusal } from '../../../src/provider/server/passRefusal.ts'
import type { Sink } from '../../../src/provider/server/sink.ts'

/** The refusal of an engine that breaks off in the middle of its reason. */
function refused(signal: AbortSignal): Promise<unknown> {
  async function* body() {
    yield Buffer.from('{"error":')
    throw new Error('other side closed')
  }
  const sink: Sink = { signal, writeHead: () => {}, write: async () => {}, end: () => {} }
  return passRefusal(sink, { statusCode: 422, headers: {}, body: body() }, null)
}

it("a refusal that breaks off is the engine's fault, or nobody's where the client left: never the broker's", async () => {
  await expect(refused(new AbortController().signal)).rejects.toMatchObject({
    code: 'engine_died',
    status: 502,
  })
  await expect(refused(AbortSignal.abort())).rejects.toMatchObject({ code: 'client_left' })
})
