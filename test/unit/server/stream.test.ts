import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { ReceiptDetail } from '../../../src/protocol/receipt.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import type { Ledger } from '../../../src/provider/ledger/ledger.ts'
import { readInferenceRequest } from '../../../src/provider/server/inferenceRequest.ts'
import type { Sink } from '../../../src/provider/server/sink.ts'
import { answerStream } from '../../../src/provider/server/stream.ts'
import { exchangeOf, sqliteHome, TEST_OWNER } from '../../support/ledger.ts'

/** So many that one checkpoint is due in the middle of them. */
const TOKENS = 40
const MODEL = { id: 'm', digest: null, contextLength: 4096, kinds: ['chat'] } as const

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)

afterEach(() => void process.off('unhandledRejection', note))

async function* frames() {
  for (let i = 0; i < TOKENS; i++) yield Buffer.from('data: {"choices":[{"delta":{"content":"t "}}]}\n\n')
  await sleep(50)
  const usage = { prompt_tokens: 1, completion_tokens: TOKENS }
  yield Buffer.from(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`)
}

/** Streams an answer of an engine. @param sent takes what the client gets of it */
function stream(ledger: Ledger, sent: Buffer[]) {
  const body = { model: 'm', messages: [], max_tokens: TOKENS, stream: true }
  const request = readInferenceRequest('chat/completions', Buffer.from(JSON.stringify(body)), body, [MODEL])
  const sink: Sink = {
    signal: new AbortController().signal,
    writeHead: () => {},
    write: async (bytes) => void sent.push(bytes),
    end: (bytes) => void sent.push(bytes),
  }
  return answerStream(
    sink,
    { statusCode: 200, headers: {}, body: frames() },
    {
      ...{ provider: TEST_OWNER.provider, ledger, request, promptTokens: 100, log: silentLogger },
      engine: { countPromptTokens: async () => 1 } as unknown as Engine,
      exchange: exchangeOf(TEST_OWNER.provider, { isNew: true }),
      multipliersFor: () => ({}),
      headers: {},
      seal: null,
    },
  )
}

it('a ledger that cannot note how far a stream has come fails that stream alone, and when it is charged', async () => {
  process.on('unhandledRejection', note)
  const home = await sqliteHome()
  const ledger = await home.open()
  await ledger.close()
  const sent: Buffer[] = []
  await expect(stream(ledger, sent)).rejects.toMatchObject({ code: 'ledger_closed' })
  expect([sent.length, unhandled]).toEqual([TOKENS + 1, []])
  await home.remove()
})

it('a stream whose charge fails at first is charged for what its client has, its end not among it', async () => {
  const home = await sqliteHome()
  const ledger = await home.open()
  const charge = ledger.charge.bind(ledger)
  ledger.charge = async () => {
    ledger.charge = charge
    throw new Error('the database is away')
  }
  const sent: Buffer[] = []
  await stream(ledger, sent)
  const text = Buffer.concat(sent)
  expect(text.toString()).toContain('engine_died')
  const [receipt] = await ledger.receipts(TEST_OWNER.provider, 0, 1)
  const { responseHash, responseBytes } = JSON.parse(receipt!.detail) as ReceiptDetail
  expect({ responseHash, responseBytes }).toEqual({
    responseHash: createHash('sha256').update(text).digest('hex'),
    responseBytes: text.length,
  })
  await ledger.close()
  await home.remove()
})
