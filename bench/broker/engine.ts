import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A stand-in for an engine, as a process of its own: without `"stream":true` an answer of 0.6 KB at once,
 * with it 64 tokens, 20 ms apart. Each frame carries the moment it was written, so that who reads it
 * knows how long it was on its way: `process.hrtime` has one clock for all processes of a machine.
 * Prints its port.
 */
const TOKENS = 64
const GAP_MS = 20
const PROMPT_TOKENS = 12

const WHOLE = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_763_769_600,
  model: 'bench',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'word '.repeat(72).trim() },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: 72, total_tokens: PROMPT_TOKENS + 72 },
})

const MODELS = JSON.stringify({
  object: 'list',
  data: [{ id: 'bench', object: 'model', max_model_len: 8192 }],
})

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    if (req.method === 'GET') return sendJson(res, MODELS)
    if (!Buffer.concat(chunks).includes('"stream":true')) return sendJson(res, WHOLE)
    stream(res).catch(() => res.destroy())
  })
})
server.listen(0, '127.0.0.1', 4096, () => console.log((server.address() as AddressInfo).port))

async function stream(res: ServerResponse): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (let token = 0; token < TOKENS && !res.destroyed; token++) {
    res.write(frame(`${process.hrtime.bigint()} `))
    await sleep(GAP_MS)
  }
  const usage = {
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: TOKENS,
    total_tokens: PROMPT_TOKENS + TOKENS,
  }
  res.end(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', choices: [], usage })}\n\ndata: [DONE]\n\n`,
  )
}

function frame(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }]
  return `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_763_769_600, model: 'bench', choices })}\n\n`
}

function sendJson(res: ServerResponse, body: string): void {
  res
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}
