import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A stand-in for engines that misbehave: an OpenAI-compatible server whose model's name says what it does.
 * `steady` streams as many tokens as `max_tokens` asks for, `no-usage` reports none, `dies` breaks off after
 * five tokens, `fails` answers 500, `busy` 503, `refuses` quotes the request in a 422, `garbage` answers what is not JSON,
 * `silent` never answers, `exaggerates` counts a billion times what it was asked and said.
 *
 * It serves Anthropic's messages too, but none of `no-messages`, paints as many images as it is asked for, and hears 2.3
 * seconds in any recording, whatever the model: nothing is made, the answers only have the shape.
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

/** What a prompt counts for, and one with an image, however small that is. */
const PROMPT_TOKENS = 10
const IMAGE_TOKENS = 1000
const MODELS = [
  'steady',
  'no-usage',
  'dies',
  'fails',
  'busy',
  'refuses',
  'garbage',
  'silent',
  'no-messages',
  'exaggerates',
]

/** Tokens as a model states them. */
const stated = (model: string, tokens: number): number => (model === 'exaggerates' ? tokens * 1e9 : tokens)

/** @param port default any free one */
export async function startScriptedEngine(port = 0, models = MODELS): Promise<ScriptedEngine> {
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
        data: models.map((id) => ({ id, object: 'model', max_model_len: 4096 })),
      })
    }
    const body = await bodyOf(req)
    if (!req.url?.startsWith('/v1/')) return sendJson(res, 404, { error: { message: 'unknown' } })
    requests.push({ path: req.url, body })
    res.on('close', () => {
      if (!res.writableFinished) engine.aborted++
    })
    if (req.url.startsWith('/v1/audio/')) return sendHeard(res, body)
    if (req.url === '/v1/images/edits') return sendImages(res, Number(fieldOf(body, 'n') ?? 1))
    const { model, stream, max_tokens: count = 8, n = 1 } = JSON.parse(body)
    if (req.url === '/v1/images/generations') return sendImages(res, n)
    if (req.url === '/v1/messages' && model === 'no-messages')
      return sendJson(res, 404, { detail: 'Not Found' })
    if (req.url === '/v1/messages') return message(res, model, count, stream === true)
    if (model === 'silent') return
    if (model === 'fails') return sendJson(res, 500, { error: { message: 'boom' } })
    if (model === 'busy') return sendJson(res, 503, { error: { message: 'queue full' } })
    if (model === 'refuses') return sendJson(res, 422, { error: { message: `no: ${body}` } })
    if (model === 'garbage')
      return void res.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    const seen = body.includes('"image_url"') ? IMAGE_TOKENS : PROMPT_TOKENS
    if (stream) return streamTokens(res, model, count, seen)
    if (model === 'dies')
      return void res.writeHead(200, { 'content-length': 1000 }).write('{"choices":', () => res.destroy())
    const usage = { prompt_tokens: stated(model, seen), completion_tokens: stated(model, count) }
    sendJson(res, 200, {
      id: `chatcmpl-${req.headers['x-request-id']}`,
      choices: [
        { index: 0, message: { role: 'assistant', content: 'tok '.repeat(count) }, finish_reason: 'stop' },
      ],
      ...(model !== 'no-usage' && {
        usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
      }),
    })
  }

  /** Ten prompt tokens of which four are from a cache and one was written to it. */
  async function message(res: ServerResponse, model: string, count: number, stream: boolean): Promise<void> {
    const usage = {
      input_tokens: stated(model, 5),
      cache_read_input_tokens: stated(model, 4),
      cache_creation_input_tokens: stated(model, 1),
    }
    const output_tokens = stated(model, count)
    const head = { id: 'msg_1', type: 'message', role: 'assistant', model }
    if (!stream) {
      const content = [{ type: 'text', text: 'tok '.repeat(count) }]
      return sendJson(res, 200, { ...head, content, usage: { ...usage, output_tokens } })
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = (type: string, value: object) =>
      res.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`)
    event('message_start', {
      message: { ...head, content: [], usage: { ...usage, output_tokens: stated(model, 1) } },
    })
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
    for (let i = 0; i < count && !res.destroyed; i++) {
      if (model === 'dies' && i === 5) return void setTimeout(() => res.destroy(), 20)
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: `t${i} ` } })
      if (engine.delayMs) await sleep(engine.delayMs)
    }
    event('content_block_stop', { index: 0 })
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens } })
    event('message_stop', {})
    res.end()
  }

  async function streamTokens(
    res: ServerResponse,
    model: string,
    count: number,
    seen: number,
  ): Promise<void> {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const frame = (value: object) => res.write(`data: ${JSON.stringify(value)}\n\n`)
    for (let i = 0; i < count && !res.destroyed; i++) {
      if (model === 'dies' && i === 5) return void setTimeout(() => res.destroy(), 20)
      frame({ choices: [{ index: 0, delta: { content: `t${i} ` } }] })
      if (engine.delayMs) await sleep(engine.delayMs)
    }
    const usage = { prompt_tokens: stated(model, seen), completion_tokens: stated(model, count) }
    if (model !== 'no-usage') frame({ choices: [], usage })
    res.end('data: [DONE]\n\n')
  }
}

const sendImages = (res: ServerResponse, n: number): void =>
  sendJson(res, 200, { created: 1, data: Array.from({ length: n }, () => ({ b64_json: 'AAAA' })) })

function sendHeard(res: ServerResponse, form: string): void {
  const format = fieldOf(form, 'response_format')
  if (format === 'text') res.writeHead(200, { 'content-type': 'text/plain' }).end('heard')
  else if (format === 'verbose_json') sendJson(res, 200, { text: 'heard', duration: 2.3 })
  else sendJson(res, 200, { text: 'heard', usage: { type: 'duration', seconds: 3 } })
}

const fieldOf = (form: string, name: string): string | undefined =>
  new RegExp(`name="${name}"\\r\\n\\r\\n([^\\r]*)`).exec(form)?.[1]

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
