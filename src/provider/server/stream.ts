import { createHash } from 'node:crypto'
import type { AppError } from '../../base/errors.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { Counts } from '../../protocol/pricing.ts'
import { charge, checkpoint, type Metered } from './bill.ts'
import type { EngineResponse } from './engineAnswer.ts'
import { errorBody } from './errorBody.ts'
import { type Frame, FrameSplitter } from './frames.ts'
import { isMessageStop } from './messagesMeter.ts'
import { type AnswerMeter, countsOf } from './meter.ts'
import type { AnswerSeal, SealedBytes } from './sealed.ts'
import { clientLeft, leftEarly, type Sink } from './sink.ts'
import { type AnswerContext, engineBroke, meterOf } from './whole.ts'

/** A stream is checkpointed after this many tokens or this long, whichever comes first. */
const CHECKPOINT_TOKENS = 32
const CHECKPOINT_MS = 1000

const DONE = '[DONE]'
const DONE_EVENT = Buffer.from(`data: ${DONE}\n\n`)
const NOTHING = Buffer.alloc(0)

/**
 * Relays a stream frame by frame as it comes. The end, `[DONE]` and the closing of the body, waits for the
 * charge; a stream that is cut short is charged for what was handed to the socket.
 */
export async function answerStream(
  sink: Sink,
  upstream: EngineResponse,
  context: AnswerContext,
): Promise<Counts> {
  const delivery = new Delivery(sink, context)
  sink.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    [HEADER.responseKey]: context.exchange.id,
    [HEADER.provider]: context.provider,
    ...context.headers,
  })
  try {
    const ending = await relay(upstream, delivery, isMessages(context) ? isMessageStop : isDone)
    return await delivery.complete(ending)
  } catch (cause) {
    return await delivery.cutShort(sink.signal.aborted ? null : engineBroke(cause))
  }
}

/**
 * @returns what is left to send after the charge
 * @throws Error when the client leaves or the engine stops before its end
 */
async function relay(
  upstream: EngineResponse,
  delivery: Delivery,
  isEnd: (data: string) => boolean,
): Promise<Buffer> {
  const splitter = new FrameSplitter()
  const ending: Buffer[] = []
  for await (const chunk of upstream.body) {
    for (const frame of splitter.push(chunk)) {
      if (ending.length || isEnd(frame.data)) ending.push(frame.bytes)
      else await delivery.send(frame)
    }
  }
  // `transformers serve` counts, closes, and says no more.
  if (!ending.length && delivery.isCounted && isEnd === isDone) return DONE_EVENT
  if (!ending.length) throw new Error('the stream ended early')
  return Buffer.concat([...ending, splitter.rest()])
}

/** What was handed to the socket: its hash, its size, its tokens. */
class Delivery {
  readonly #sink: Sink
  readonly #context: AnswerContext
  readonly #hash = createHash('sha256')
  readonly #meter: AnswerMeter
  #bytes = 0
  #checkpointTokens = 0
  #checkpointAt = Date.now()
  #checkpoint: Promise<void> | undefined
  #promptTokens: Promise<number | undefined> | undefined

  constructor(sink: Sink, context: AnswerContext) {
    this.#meter = meterOf(context.request)
    this.#sink = sink
    this.#context = context
  }

  /** Whether the engine has said what the whole of it comes to. */
  get isCounted(): boolean {
    return this.#meter.usage !== null
  }

  get sawContent(): boolean {
    return this.#bytes > 0
  }

  async send(frame: Frame): Promise<void> {
    const { seal } = this.#context
    if (!seal) await this.#write(frame.bytes)
    else await this.#writeSealed(await seal.frame(frame.data), seal)
    this.#meter.read(frame.data)
    if (this.#isCheckpointDue()) this.#startCheckpoint()
  }

  /** Charges the whole answer, then sends its end. */
  async complete(ending: Buffer): Promise<Counts> {
    const { seal } = this.#context
    if (seal) await this.#writeSealed(await seal.end(), seal)
    const stated = await this.#finalCounts()
    // What an engine says after its end is not sealed, and so stays here.
    const last = seal ? DONE_EVENT : ending
    await this.#checkpoint
    const counts = await this.#charge(stated, last, 'complete')
    this.#sink.end(last)
    return counts
  }

  /**
   * Charges what was delivered, and tells a client that is still there.
   * @throws AppError `client_left` where it left before anything was delivered
   */
  async cutShort(error: AppError | null): Promise<Counts> {
    if (!this.sawContent) {
      if (!error) throw leftEarly()
      this.#sink.end(this.#notice(error))
      return {}
    }
    const stated = await this.#deliveredCounts()
    const notice = error ? this.#notice(error) : NOTHING
    await this.#checkpoint
    const counts = await this.#charge(stated, notice, 'partial')
    this.#sink.end(notice)
    return counts
  }

  async #writeSealed(sealed: SealedBytes | null, seal: AnswerSeal): Promise<void> {
    if (!sealed) return
    if (this.#sink.signal.aborted) throw clientLeft()
    seal.note(sealed)
    await this.#write(sealed.bytes)
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#sink.signal.aborted) throw clientLeft()
    this.#hash.update(bytes)
    this.#bytes += bytes.length
    await this.#sink.write(bytes)
  }

  #isCheckpointDue(): boolean {
    if (this.#checkpoint) return false
    const tokens = this.#meter.deltas - this.#checkpointTokens
    return tokens >= CHECKPOINT_TOKENS || (tokens > 0 && Date.now() - this.#checkpointAt >= CHECKPOINT_MS)
  }

  #startCheckpoint(): void {
    this.#checkpointTokens = this.#meter.deltas
    this.#checkpointAt = Date.now()
    const upTo = this.#deliveredWith(NOTHING)
    const { deltas: output, generatedBytes } = this.#meter
    this.#checkpoint = this.#countPrompt()
      .then((input) => {
        const metered: Metered = { stated: { input: input ?? 0, output }, generatedBytes }
        return checkpoint(this.#context, metered, upTo)
      })
      // A ledger that can keep nothing says so when the answer is charged.
      .catch(() => {})
      .finally(() => {
        this.#checkpoint = undefined
      })
  }

  /** The engine's usage; without it the model's tokenizer; without that one token a frame. */
  async #finalCounts(): Promise<Counts> {
    const { engine, request, exchange } = this.#context
    if (this.#meter.usage) return countsOf(this.#meter.usage, exchange.prices)
    const text = this.#meter.text
    const output = text === null ? undefined : await engine.countTextTokens(request.model.id, text)
    return { input: (await this.#countPrompt()) ?? 0, output: output ?? this.#meter.deltas }
  }

  async #deliveredCounts(): Promise<Counts> {
    const usage = this.#meter.usage ?? this.#meter.soFar
    if (usage) return countsOf(usage, this.#context.exchange.prices)
    return { input: (await this.#countPrompt()) ?? 0, output: await this.#countDelivered() }
  }

  /** A frame is at least one token: an engine that guesses several ahead sends them together. */
  async #countDelivered(): Promise<number> {
    const { engine, request } = this.#context
    const { deltas, text } = this.#meter
    if (!text) return deltas
    const counted = await engine.countTextTokens(request.model.id, text).catch(() => undefined)
    return Math.max(deltas, Math.min(counted ?? 0, request.maxOutputTokens))
  }

  #countPrompt(): Promise<number | undefined> {
    const { engine, request } = this.#context
    if (isMessages(this.#context)) return Promise.resolve(this.#meter.soFar?.input)
    const counted = this.#promptTokens ?? engine.countPromptTokens(request.body).catch(() => undefined)
    this.#promptTokens = counted
    return counted
  }

  /** What was handed to the socket, and what is handed to it last, once it is charged. */
  #deliveredWith(last: Buffer) {
    const { seal } = this.#context
    return {
      responseHash: this.#hash.copy().update(last).digest('hex'),
      responseBytes: this.#bytes + last.length,
      ...(seal && { sealedHash: seal.responseHash }),
    }
  }

  /** An error as clients of the API expect it in a stream. */
  #notice(error: AppError): Buffer {
    const body = errorBody(error)
    const event = isMessages(this.#context)
      ? `event: error\ndata: ${JSON.stringify({ type: 'error', ...body })}`
      : `data: ${JSON.stringify(body)}`
    return Buffer.from(`${event}\n\n`)
  }

  async #charge(stated: Counts, last: Buffer, status: 'complete' | 'partial'): Promise<Counts> {
    const metered: Metered = { stated, generatedBytes: this.#meter.generatedBytes }
    return (await charge(this.#context, metered, this.#deliveredWith(last), status)).counts
  }
}

const isDone = (data: string): boolean => data === DONE

const isMessages = ({ request }: AnswerContext): boolean => request.kind === 'messages'
