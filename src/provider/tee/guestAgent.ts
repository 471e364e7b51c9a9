import { request } from 'node:http'
import { AppError } from '../../base/errors.ts'

/** Where dstack's guest agent listens inside a CVM. */
export const DSTACK_SOCKET = '/var/run/dstack.sock'
/** For a whole answer. */
const TIMEOUT_MS = 30_000
const MAX_ANSWER = 8 * 1024 * 1024

/** A quote as the agent gives it. */
export interface AgentQuote {
  /** Hex digits. */
  readonly quote: string
  /** JSON text. */
  readonly event_log: string
  /** JSON text. */
  readonly vm_config: string
}

/**
 * dstack's guest agent: JSON over HTTP on a Unix socket.
 * @see https://github.com/Dstack-TEE/dstack/blob/master/sdk/curl/api.md
 */
export class GuestAgent {
  readonly #socket: string
  readonly #timeoutMs: number

  constructor(socket: string = DSTACK_SOCKET, timeoutMs = TIMEOUT_MS) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
  }

  /** 32 bytes derived for a path, as hex digits; the same in every replica of an app. */
  async key(path: string): Promise<string> {
    const { key } = await this.#call('/GetKey', { path, purpose: '' })
    if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) throw malformed('/GetKey')
    return key
  }

  /** @param reportData 64 bytes as hex digits */
  async quote(reportData: string): Promise<AgentQuote> {
    const { quote, event_log, vm_config = '' } = await this.#call('/GetQuote', { report_data: reportData })
    if (typeof quote !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(quote)) throw malformed('/GetQuote')
    if (typeof event_log !== 'string' || typeof vm_config !== 'string') throw malformed('/GetQuote')
    return { quote, event_log, vm_config }
  }

  /** What runs here: `tcb_info` as JSON text, with registers and compose file. */
  async tcbInfo(): Promise<string> {
    const { tcb_info: info } = await this.#call('/Info', {})
    const text = typeof info === 'object' && info !== null ? JSON.stringify(info) : info
    if (typeof text !== 'string' || text === '') throw malformed('/Info')
    return text
  }

  /** Measures an event into RTMR3, for ever. */
  async emitEvent(event: string, payload: Uint8Array): Promise<void> {
    await this.#call('/EmitEvent', { event, payload: Buffer.from(payload).toString('hex') })
  }

  async #call(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const { status, text } = await this.#post(path, JSON.stringify(body))
    if (status !== 200) throw refused(path, status)
    if (text === '') return {}
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch {
      // Said below.
    }
    throw malformed(path)
  }

  #post(path: string, body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const signal = AbortSignal.timeout(this.#timeoutMs)
      const options = { socketPath: this.#socket, path, method: 'POST', headers, signal }
      const sent = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length > MAX_ANSWER) sent.destroy(new Error('too long'))
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', (error) => reject(unreachable(this.#socket, error)))
      })
      sent.on('error', (error) => reject(unreachable(this.#socket, error)))
      sent.end(body)
    })
  }
}

const unreachable = (socket: string, cause: unknown): AppError =>
  new AppError({
    code: 'tee_unreachable',
    message: `dstack's guest agent does not answer at ${socket}`,
    hint: 'It is there inside a dstack CVM only, and the container must mount it',
    next: '0g-compute provider check',
    retryable: true,
    cause,
  })

const refused = (path: string, status: number): AppError =>
  new AppError({
    code: 'tee_refused',
    message: `dstack's guest agent answered ${path} with status ${status}`,
    hint: 'dstack OS 0.5 or later is needed',
  })

const malformed = (path: string): AppError =>
  new AppError({
    code: 'tee_answer_malformed',
    message: `dstack's guest agent answered ${path} with something else than was asked for`,
    hint: 'dstack OS 0.5 or later is needed',
  })
