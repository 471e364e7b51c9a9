import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A stand-in for engines that misbehave: an OpenAI-compatible server whose model's name says what it does.
 * `steady` streams as many tokens as `max_tokens` asks for, `no-usage` reports none, `dies` breaks off after
 * five tokens, `fails` answers 500, `garbage` answers what is not JSON, `silent` never answers.
 */
export interface ScriptedEngine {
  readonly target: string
  /** Requests that arrived at anything but `/v1/models`. */
  readonly requests: { readonly path: string; readonly body: string }[]
  /** Requests whose client left before the end. */
  aborted: number
  /** Between tokens of a stream, ms. */
  delayMs: number
  stop(): Promise<void>
}

const MODELS = ['steady', 'no-usage', 'dies', 'fails', 'garbage', 'silent']

/** @param port default any free one */
export async function startScriptedEngine(port = 0): Promise<ScriptedEngine> {
  const requests: { path: string; body: string }[] = []
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  const engine = {
    target: '',
    requests,
    aborted: 0,
    delayMs: 0,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  engine.target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return engine

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.url === '/v1/models') {
      return sendJson(res, 200, {
        object: 'list',
        data: MODELS.map((id) => ({ id, object: 'model', max_model_len: 4096 })),
      })
    }
    const body = await bodyOf(req)
    if (!req.url?.startsWith('/v1/')) return sendJson(res, 404, { error: { message: 'unknown' } })
    requests.push({ path: req.url, body })
    res.on('close', () => {
      if (!res.writableFinished) engine.aborted++
    })
    const { model, stream, max_tokens: count = 8 } = JSON.parse(body)
    if (model === 'silent') return
    if (model === 'fails') return sendJson(res, 500, { error: { message: 'boom' } })
    if (model === 'garbage')
      return void res.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    if (stream) return streamTokens(res, model, count)
    if (model === 'dies')
      return void res.writeHead(200, { 'content-length': 1000 }).write('{"choices":', () => res.destroy())
    sendJson(res, 200, {
      id: `chatcmpl-${req.headers['x-request-id']}`,
      choices: [
        { index: 0, message: { role: 'assistant', content: 'tok '.repeat(count) }, finish_reason: 'stop' },
      ],
      ...(model !== 'no-usage' && {
        usage: { prompt_tokens: 10, completion_tokens: count, total_tokens: 10 + count },
      }),
    })
  }

  async function streamTokens(res: ServerResponse, model: string, count: number): Promise<void> {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const frame = (value: object) => res.write(`data: ${JSON.stringify(value)}\n\n`)
    for (let i = 0; i < count && !res.destroyed; i++) {
      if (model === 'dies' && i === 5) return void setTimeout(() => res.destroy(), 20)
      frame({ choices: [{ index: 0, delta: { content: `t${i} ` } }] })
      if (engine.delayMs) await sleep(engine.delayMs)
    }
    if (model !== 'no-usage') frame({ choices: [], usage: { prompt_tokens: 10, completion_tokens: count } })
    res.end('data: [DONE]\n\n')
  }
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
