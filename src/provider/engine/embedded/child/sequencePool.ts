import type { LlamaContext, LlamaContextSequence } from 'node-llama-cpp'
import { overloaded } from './openAiError.ts'

/** The context's sequences, lent to one request at a time in the order of arrival and always given out empty. */
export class SequencePool {
  readonly #idle: LlamaContextSequence[]
  readonly #waiting: ((sequence: LlamaContextSequence) => void)[] = []
  readonly #queueLimit: number

  constructor(context: LlamaContext, size: number, queueLimit: number) {
    this.#idle = Array.from({ length: size }, () => context.getSequence())
    this.#queueLimit = queueLimit
  }

  /**
   * Waits for a free sequence and uses it.
   *
   * @throws OpenAiError 503 when too many wait
   * @throws the signal's reason when it is aborted first
   */
  async use<T>(signal: AbortSignal, work: (sequence: LlamaContextSequence) => Promise<T>): Promise<T> {
    const sequence = await this.#take(signal)
    try {
      return await work(sequence)
    } finally {
      await this.#giveBack(sequence)
    }
  }

  #take(signal: AbortSignal): Promise<LlamaContextSequence> {
    signal.throwIfAborted()
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#waiting.length >= this.#queueLimit) throw overloaded()
    return new Promise((resolve, reject) => {
      const receive = (sequence: LlamaContextSequence): void => {
        signal.removeEventListener('abort', leave)
        resolve(sequence)
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(receive), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(receive)
    })
  }

  /** What one request left in the cache must not serve, or slow, the next one of somebody else. */
  async #giveBack(sequence: LlamaContextSequence): Promise<void> {
    await sequence.clearHistory()
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(sequence)
    else next(sequence)
  }
}
