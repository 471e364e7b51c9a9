import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A stand-in for engines of every service type, which are not on this machine: answers in the shapes of OpenAI's and
 * Anthropic's APIs, and makes, hears and means nothing. The model's name says what it does.
 */
export interface MediaStandIn {
  readonly target: string
  /** What arrived at anything but `/v1/models`, newest last. */
  readonly requests: Seen[]
  stop(): Promise<void>
}

export interface Seen {
  readonly path: string
  readonly body: string
  /** Fields of a form, and of its files name, size and sha256. */
  readonly form: Readonly<Record<string, string>>
}

/** `speaker` has every API of text, `plain` none of Anthropic's. */
export const TEXT = ['speaker', 'plain']
export const IMAGES = ['painter']
/** `listener` hears 2.3 seconds, `exaggerator` claims forty, `timeless` knows no times. */
export const SPEECH = ['listener', 'exaggerator', 'timeless']
export const SERVES = {
  painter: ['image'],
  listener: ['transcription'],
  exaggerator: ['transcription'],
  timeless: ['transcription'],
} as const

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
const SEGMENTS = [
  { id: 0, start: 0, end: 1.25, text: ' what was' },
  { id: 1, start: 1.25, end: 2.3, text: ' heard' },
]

export async function startMediaStandIn(): Promise<MediaStandIn> {
  const requests: Seen[] = []
  const server = createServer((req, res) => {
    answer(req, res, requests).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(req: IncomingMessage, res: ServerResponse, requests: Seen[]): Promise<void> {
  const path = req.url ?? ''
  if (path === '/v1/models') {
    const data = [...TEXT, ...IMAGES, ...SPEECH].map((id) => ({ id, object: 'model', max_model_len: 4096 }))
    return sendJson(res, { object: 'list', data })
  }
  const raw = await bodyOf(req)
  const contentType = req.headers['content-type'] ?? ''
  const isForm = contentType.startsWith('multipart/')
  const form = isForm ? await fieldsOf(raw, contentType) : {}
  const body = isForm ? '' : raw.toString()
  requests.push({ path, body, form })
  const json = isForm ? form : JSON.parse(body)
  const route = ROUTES[path]
  if (route && !(path === '/v1/messages' && json.model === 'plain')) return route(res, json)
  res.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}')
}

type Asked = Readonly<Record<string, unknown>>

const ROUTES: Readonly<Record<string, (res: ServerResponse, asked: Asked) => void>> = {
  '/v1/chat/completions': (res, { stream }) => {
    const message = { role: 'assistant', content: 'said so' }
    if (!stream) {
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      return sendJson(res, { id: 'c', object: 'chat.completion', choices, usage: USAGE })
    }
    sendEvents(res, [
      { choices: [{ index: 0, delta: { content: 'said ' } }] },
      { choices: [{ index: 0, delta: { content: 'so' }, finish_reason: 'stop' }] },
      { choices: [], usage: USAGE },
    ])
  },
  '/v1/completions': (res) =>
    sendJson(res, { id: 'c', choices: [{ index: 0, text: 'went on', finish_reason: 'stop' }], usage: USAGE }),
  '/v1/embeddings': (res) =>
    sendJson(res, {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    }),
  '/v1/messages': sendMessage,
  '/v1/images/generations': sendImages,
  '/v1/images/edits': sendImages,
  '/v1/audio/transcriptions': sendHeard,
}

function sendMessage(res: ServerResponse, { model, stream }: Asked): void {
  const head = { id: 'msg_1', type: 'message', role: 'assistant', model }
  const usage = { input_tokens: 5, output_tokens: 2 }
  const end = { stop_reason: 'end_turn', usage }
  if (!stream) sendJson(res, { ...head, content: [{ type: 'text', text: 'said so' }], ...end })
  else sendEvents(res, eventsOf(head, usage), true)
}

const eventsOf = (head: object, usage: object): readonly object[] => [
  { type: 'message_start', message: { ...head, content: [], usage: { ...usage, output_tokens: 0 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'said so' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
]

function sendImages(res: ServerResponse, { n }: Asked): void {
  const data = Array.from({ length: Number(n ?? 1) }, () => ({ b64_json: PNG }))
  sendJson(res, { created: 1, data })
}

function sendHeard(res: ServerResponse, { model, response_format: format }: Asked): void {
  const text = 'what was heard'
  const duration = model === 'exaggerator' ? 40 : 2.3
  if (format === 'text') res.writeHead(200, { 'content-type': 'text/plain' }).end(text)
  else if (format === 'srt')
    res.writeHead(200, { 'content-type': 'text/plain' }).end(`1\n00:00:00,000 --> 00:00:02,300\n${text}\n`)
  else if (format !== 'verbose_json')
    sendJson(res, { text, usage: { type: 'duration', seconds: Math.ceil(duration) } })
  else {
    const segments = model === 'timeless' ? {} : { segments: SEGMENTS }
    sendJson(res, { task: 'transcribe', language: 'english', duration, text, ...segments })
  }
}

async function fieldsOf(raw: Buffer, contentType: string): Promise<Record<string, string>> {
  const request = new Response(new Uint8Array(raw), { headers: { 'content-type': contentType } })
  const fields = [...(await request.formData())].map(async ([name, value]) => {
    if (typeof value === 'string') return [name, value] as const
    const bytes = Buffer.from(await value.arrayBuffer())
    return [
      name,
      `${value.name} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`,
    ] as const
  })
  return Object.fromEntries(await Promise.all(fields))
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const sendJson = (res: ServerResponse, body: object): void =>
  void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

function sendEvents(res: ServerResponse, events: readonly object[], areNamed = false): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) {
    const name = areNamed ? `event: ${(event as { type: string }).type}\n` : ''
    res.write(`${name}data: ${JSON.stringify(event)}\n\n`)
  }
  res.end(areNamed ? '' : 'data: [DONE]\n\n')
}
