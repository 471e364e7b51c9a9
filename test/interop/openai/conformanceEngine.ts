import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * An OpenAI-compatible server for what the demo model cannot do: it calls a tool when it is given one, thinks when it
 * is asked to, says what images it got, and says what else it was asked with. What it paints and hears is always the same. The model's name says what it does.
 */
export interface ConformanceEngine {
  readonly target: string
  stop(): Promise<void>
}

const MODELS = ['assistant', 'broken', 'painter', 'listener']
/** What the models that are not for chats serve: OpenAI's API does not say it. */
export const SERVES = { painter: ['image'], listener: ['transcription'] } as const

interface ChatBody {
  readonly model: string
  readonly stream?: boolean
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly reasoning_effort?: string
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
  readonly messages: readonly { readonly content: string | readonly Part[] }[]
}

type Part = { readonly type: string; readonly image_url?: { readonly url: string } }

export async function startConformanceEngine(): Promise<ConformanceEngine> {
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.url === '/v1/models') {
    const data = MODELS.map((id) => ({ id, object: 'model', max_model_len: 32_768 }))
    return sendJson(res, 200, { object: 'list', data })
  }
  if (req.url?.startsWith('/v1/images/'))
    return sendJson(res, 200, { created: 0, data: [{ b64_json: 'cG5n' }] })
  if (req.url === '/v1/audio/transcriptions') {
    const usage = { type: 'duration', seconds: 2 }
    return sendJson(res, 200, { text: 'two seconds of nothing', usage })
  }
  if (req.url !== '/v1/chat/completions') return sendJson(res, 404, { error: { message: 'unknown' } })
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatBody
  if (!Array.isArray(body.messages)) return sendJson(res, 400, { error: { message: 'no messages' } })
  if (body.model === 'broken') return sendJson(res, 500, { error: { message: 'boom' } })
  const message = messageFor(body)
  const finish = message.tool_calls ? 'tool_calls' : 'stop'
  const count = Math.min(4, body.max_tokens ?? body.max_completion_tokens ?? 4)
  const usage = { prompt_tokens: 10, completion_tokens: count, total_tokens: 10 + count }
  const id = `chatcmpl-${req.headers['x-request-id']}`
  const base = { id, created: 0, model: body.model }
  if (body.stream) return sendStream(res, base, message, finish, usage)
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }]
  sendJson(res, 200, { ...base, object: 'chat.completion', choices, usage })
}

function messageFor(body: ChatBody) {
  const tool = body.tools?.[0]?.function.name
  if (tool) {
    const call = { name: tool, arguments: '{"city":"Paris"}' }
    return { content: null, tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: call }] }
  }
  const parts = body.messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  const images = parts
    .filter(({ type }) => type === 'image_url')
    .map(({ image_url }) => image_url!.url.length)
  const { max_tokens, max_completion_tokens, reasoning_effort } = body
  const content = JSON.stringify({ max_tokens, max_completion_tokens, reasoning_effort, images })
  return { content, ...(reasoning_effort && { reasoning_content: 'first, then' }) }
}

function sendStream(res: ServerResponse, base: object, message: object, finish: string, usage: object): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const frame = (value: object) =>
    res.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...value })}\n\n`)
  frame({ choices: [{ index: 0, delta: { role: 'assistant', ...message }, finish_reason: null }] })
  frame({ choices: [{ index: 0, delta: {}, finish_reason: finish }] })
  frame({ choices: [], usage })
  res.end('data: [DONE]\n\n')
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
