import { EXIT, type ExitCode, toAppError } from '../../base/errors.ts'
import { format0G, parse0G } from '../../base/units.ts'
import type { Answer } from '../../client/answer.ts'
import type { ChatMessage } from '../../client/chatRequest.ts'
import type { Compute } from '../../client/compute.ts'
import type { InferenceRequest } from '../../client/inference.ts'
import type { Preferences } from '../../client/routing/preferences.ts'
import { advised } from '../framework/advised.ts'
import type { Context } from '../framework/context.ts'
import { asAddress, type Input } from '../framework/input.ts'
import { privacyOf } from '../framework/privacy.ts'
import { writeNewFile } from '../framework/writeNewFile.ts'
import { answerObject } from '../render/answer.ts'
import { purchaseHooks } from '../render/purchaseHooks.ts'
import { exitCodeOf, renderSteps, renderVerdict } from '../render/verdict.ts'

/** Turns of a chat. With `--json` each answer is an object on a line. */
export class Conversation {
  /** Of the worst answer: a rejected one is not forgotten by those after it. */
  exitCode: ExitCode = EXIT.ok
  readonly #context: Context
  readonly #compute: Compute
  readonly #request: Omit<InferenceRequest, 'messages'>
  readonly #system: readonly ChatMessage[]
  #model: string | undefined
  #said: ChatMessage[] = []
  readonly #answers: Answer[] = []

  constructor(context: Context, compute: Compute, input: Input, preferences: Preferences) {
    const { settings } = context
    const system = input.text('system')
    const provider = input.text('provider') ?? settings.get('provider')
    const maxCost = input.text('maxCost') ?? settings.get('max-cost')
    const maxTokens = input.integer('maxTokens', 1)
    this.#context = context
    this.#compute = compute
    this.#model = input.text('model') ?? settings.get('model')
    this.#system = system === undefined ? [] : [{ role: 'system', content: system }]
    this.#request = {
      preferences,
      ...privacyOf(input),
      signal: context.signal,
      ...(provider !== undefined && { provider: asAddress(provider) }),
      ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
      ...(maxTokens !== undefined && { maxTokens }),
    }
  }

  /** @returns `quit` when that was asked for */
  async turn(line: string): Promise<'quit' | undefined> {
    const [word = '', ...rest] = line.trim().split(/\s+/)
    if (!word.startsWith('/')) return this.#ask(line)
    if (word === '/quit' || word === '/exit') return 'quit'
    return this.#command(word, rest.join(' '))
  }

  /** What it came to, when it is over. */
  end(): void {
    if (this.#answers.length > 0) this.#cost()
  }

  async #ask(question: string): Promise<undefined> {
    const { out } = this.#context
    const said: ChatMessage[] = [...this.#said, { role: 'user', content: question }]
    const messages = [...this.#system, ...said]
    const progress = await out.progress('Waiting for the answer')
    try {
      const request = { ...this.#request, messages, ...(this.#model !== undefined && { model: this.#model }) }
      const chat = this.#compute.chat(request, purchaseHooks(this.#context, progress, request))
      let step = await chat.next()
      for (; !step.done; step = await chat.next()) {
        progress.stop()
        out.piece(step.value)
      }
      out.piece('\n')
      this.#answered(said, step.value)
    } catch (error) {
      // One question failed; the conversation goes on.
      if (this.#context.signal.aborted) throw error
      progress.stop()
      out.error(await advised(toAppError(error), this.#context))
      this.#worsen(toAppError(error).exitCode)
    } finally {
      progress.stop()
    }
  }

  #answered(said: ChatMessage[], answer: Answer): void {
    const { out } = this.#context
    this.#answers.push(answer)
    this.#worsen(exitCodeOf(answer.verdict, this.#context.settings))
    if (out.json) out.result(answerObject(answer), () => '')
    if (answer.verdict.outcome === 'accepted') {
      const fee = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
      out.note(out.notePaint.dim(`${answer.model}, ${fee}, ${renderVerdict(answer.verdict, out.notePaint)}`))
    } else {
      out.warn(renderVerdict(answer.verdict, out.notePaint))
    }
    // What contradicts its proof is not part of what was said.
    if (answer.verdict.outcome !== 'rejected')
      this.#said = [...said, { role: 'assistant', content: answer.text }]
  }

  #worsen(code: ExitCode): void {
    if (this.exitCode === EXIT.ok || code === EXIT.rejected) this.exitCode = code
  }

  async #command(word: string, argument: string): Promise<undefined> {
    const { out } = this.#context
    const commands: Readonly<Record<string, () => void | Promise<void>>> = {
      '/model': () => this.#chooseModel(argument),
      '/cost': () => this.#cost(),
      '/verify': () => this.#verify(),
      '/save': () => this.#save(argument || 'conversation.json'),
      '/reset': () => {
        this.#said = []
        out.note('Forgotten.')
      },
      '/help': () => out.note('/model [name], /cost, /verify, /save [file], /reset, /quit'),
    }
    const command = Object.hasOwn(commands, word) ? commands[word] : undefined
    if (!command) return out.warn(`There is no ${word}; /help shows what there is`) as undefined
    await command()
  }

  async #chooseModel(name: string): Promise<void> {
    const { out } = this.#context
    const models = new Set((await this.#compute.offered()).map(({ model }) => model))
    if (!name) return out.note([...models].join('\n'))
    // One's own adapters are in no list.
    if (!models.has(name) && !name.startsWith('ft-'))
      return out.warn(`Nobody sells ${name}; /model shows what there is`)
    this.#model = name
    out.note(`Asking ${name} from now on.`)
  }

  #cost(): void {
    const fees = this.#answers.map(({ fee }) => fee ?? 0n)
    const total = fees.reduce((sum, fee) => sum + fee, 0n)
    const { length } = fees
    this.#context.out.note(`${format0G(total)} 0G for ${length} answer${length === 1 ? '' : 's'}.`)
  }

  #verify(): void {
    const { out } = this.#context
    const verdict = this.#answers.at(-1)?.verdict
    if (!verdict) out.note('There is no answer yet.')
    else out.note(`${renderVerdict(verdict, out.notePaint)}\n${renderSteps(verdict, out.notePaint)}`)
  }

  #save(path: string): void {
    const { out } = this.#context
    if (this.#answers.length === 0) {
      out.note('There is no answer yet.')
      return
    }
    const answers = this.#answers.map(({ id, fee, verdict }) => ({
      id,
      fee: fee?.toString() ?? null,
      verdict: verdict.outcome,
    }))
    const document = { model: this.#model ?? null, messages: [...this.#system, ...this.#said], answers }
    try {
      writeNewFile(path, `${JSON.stringify(document, null, 2)}\n`)
      out.note(`Kept in ${path}`)
    } catch (error) {
      out.error(toAppError(error))
    }
  }
}
