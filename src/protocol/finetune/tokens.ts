import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Message, Sample } from './dataset/sample.ts'

/** What a model's folder says about its tokens: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. */
export interface TokenizerFiles {
  readonly tokenizer: object
  readonly config: Readonly<Record<string, unknown>>
  /** The order's own template, or the text of `chat_template.jinja`, in place of the one in the configuration. */
  readonly chatTemplate?: string
}

export interface CountOptions {
  /** Longest row, tokens: `rowLength`. */
  readonly sequenceLength: number
  /** What happens to longer rows: the trainer's parameter `too_long`. */
  readonly tooLong: 'truncate' | 'split' | 'drop' | 'fail'
}

/** The trainer's default for a row, or less when the model's context is shorter. */
const DEFAULT_LENGTH = 512

/** The longest row: as asked with `sequence_length`, or for 0 as long as the model allows up to 512 tokens. */
export const rowLength = (asked: number, contextLength: number): number =>
  asked || Math.min(DEFAULT_LENGTH, contextLength)

/** ChatML, which the order's `chatTemplate` names. */
const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

/** A part of a text that the model learns, from one character to before another. */
type Span = readonly [from: number, to: number]

interface Row {
  readonly text: string
  readonly answers: readonly Span[]
  /** Whether the tokenizer adds its own tokens at the ends. */
  readonly special: boolean
}

/**
 * Counts the tokens that one pass over a dataset trains on, which is what is paid for. Client, provider and trainer
 * (`zg_trainer/encoding.py`) arrive at the same number: the same rows, rendered by the model's chat template,
 * cut or dropped by the same rule.
 */
export class TokenCounter {
  readonly #tokenizer: Tokenizer
  readonly #template: Template | null
  readonly #variables: Readonly<Record<string, unknown>>
  readonly #ends: readonly string[]
  readonly #endOfText: string
  readonly #options: CountOptions

  /** @throws AppError `wrong_tokenizer` when the files are none that can be read */
  constructor(files: TokenizerFiles, options: CountOptions) {
    this.#options = options
    try {
      this.#tokenizer = new Tokenizer(files.tokenizer, files.config)
      const template = templateIn(files)
      this.#template = template === null ? null : new Template(template)
    } catch (cause) {
      throw wrongTokenizer(cause)
    }
    this.#variables = specialTokens(files.config)
    this.#endOfText = (this.#variables.eos_token as string | undefined) ?? ''
    this.#ends = [...this.#tokenizer.get_added_tokens_decoder().values()].map(({ content }) => content)
  }

  /**
   * Tokens of a sample; 0 when it is too long to be used.
   * @throws AppError `no_chat_template`, `chat_template_refuses`, `sample_too_long`
   */
  count(sample: Sample): number {
    return this.#rows(sample).reduce((total, row) => total + this.#fitting(row), 0)
  }

  /** Tokens of a sample before it is cut or dropped. @throws AppError `no_chat_template`, `chat_template_refuses` */
  length(sample: Sample): number {
    return Math.max(...this.#rows(sample).map((row) => this.#length(row.text, row.special)))
  }

  #fitting(row: Row): number {
    const length = this.#length(row.text, row.special)
    const { sequenceLength: most, tooLong } = this.#options
    if (length <= most) return row.answers.length && length > 1 ? length : 0
    if (tooLong === 'drop') return 0
    if (tooLong === 'fail') throw tooLongSample(length, most)
    const starts = tooLong === 'split' ? Math.ceil(length / most) : 1
    const answers = row.answers.map((span) =>
      span.map((at) => this.#length(row.text.slice(0, at), row.special)),
    )
    let tokens = 0
    for (let piece = 0; piece < starts; piece++) {
      const [from, to] = [piece * most, Math.min((piece + 1) * most, length)]
      // The first token of a piece has nothing before it that it could be told from.
      if (answers.some(([first, last]) => Math.max(first!, from + 1) < Math.min(last!, to)))
        tokens += to - from
    }
    return tokens
  }

  #length(text: string, special: boolean): number {
    return this.#tokenizer.encode(text, { add_special_tokens: special }).ids.length
  }

  #rows(sample: Sample): Row[] {
    if (sample.format !== 'text') return this.#conversations(sample.messages)
    const text = sample.text + this.#endOfText
    return [{ text, answers: [[0, text.length]], special: true }]
  }

  /**
   * The rendered conversation with its answers' places. Where a template renders earlier answers in another way
   * than the last one (Qwen3 leaves out their thoughts), each answer becomes a row of its own.
   */
  #conversations(messages: readonly Message[]): Row[] {
    const answers = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []))
    const whole = this.#render(messages.slice(0, answers.at(-1)! + 1))
    const spans: Span[] = []
    for (const i of answers) {
      const prompt = this.#render(messages.slice(0, i), true)
      const upTo = this.#render(messages.slice(0, i + 1))
      if (!whole.startsWith(prompt) || !whole.startsWith(upTo) || upTo.length <= prompt.length)
        return answers.map((last) => this.#lastAnswer(messages.slice(0, last + 1)))
      spans.push([prompt.length, this.#answerEnd(upTo, prompt.length)])
    }
    return [{ text: whole, answers: spans, special: false }]
  }

  #lastAnswer(messages: readonly Message[]): Row {
    const text = this.#render(messages)
    const prompt = this.#render(messages.slice(0, -1), true)
    let start = 0
    while (start < Math.min(text.length, prompt.length) && text[start] === prompt[start]) start++
    return { text, answers: [[start, this.#answerEnd(text, start)]], special: false }
  }

  /** Where the answer ends: after its end-of-turn token, without the line break that many templates put behind it. */
  #answerEnd(text: string, start: number): number {
    const stripped = text.trimEnd()
    const isClosed = this.#ends.some((token) => stripped.endsWith(token))
    return isClosed && stripped.length > start ? stripped.length : text.length
  }

  #render(messages: readonly Message[], ask = false): string {
    if (messages.length === 0) return ''
    if (!this.#template) throw noTemplate()
    try {
      return this.#template.render({ ...this.#variables, messages, add_generation_prompt: ask })
    } catch (cause) {
      throw templateRefuses(cause)
    }
  }
}

/**
 * Tokens of one pass over all samples: what is paid for.
 * @throws AppError `nothing_to_learn` when no answer lies within a row, and as `TokenCounter.count`
 */
export async function countTokens(
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  files: TokenizerFiles,
  options: CountOptions,
): Promise<number> {
  const counter = new TokenCounter(files, options)
  let tokens = 0
  for await (const sample of samples) tokens += counter.count(sample)
  if (tokens === 0) throw nothingToLearn(options.sequenceLength)
  return tokens
}

function templateIn({ config, chatTemplate }: TokenizerFiles): string | null {
  if (chatTemplate !== undefined) return chatTemplate === 'chatml' ? CHATML : chatTemplate
  const given = config.chat_template
  if (typeof given === 'string') return given
  const named = Array.isArray(given) ? given : []
  return named.find(({ name }) => name === 'default')?.template ?? null
}

/** Names like `bos_token`, and the text of the token, which the configuration gives plain or as an object. */
function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const [name, value] of Object.entries(config)) {
    const content = (value as { content?: unknown } | null)?.content ?? value
    if (name.endsWith('_token') && typeof content === 'string') tokens[name] = content
  }
  return tokens
}

const wrongTokenizer = (cause: unknown) =>
  new AppError({
    code: 'wrong_tokenizer',
    message: 'The model’s tokenizer cannot be read',
    hint: 'tokenizer.json must be one of the Hugging Face tokenizers library. Tokens cannot be counted without it.',
    exitCode: EXIT.malformed,
    cause,
  })

const noTemplate = () =>
  new AppError({
    code: 'no_chat_template',
    message: 'The model has no chat template',
    hint: 'Give one with the order (chatml, or a Jinja template), or take a dataset of plain text.',
    exitCode: EXIT.usage,
    status: 400,
  })

const templateRefuses = (cause: unknown) =>
  new AppError({
    code: 'chat_template_refuses',
    message: 'The model’s chat template refuses an example',
    hint: cause instanceof Error ? cause.message : 'It gives no reason.',
    exitCode: EXIT.malformed,
    status: 400,
    cause,
  })

const tooLongSample = (tokens: number, most: number) =>
  new AppError({
    code: 'sample_too_long',
    message: `An example has ${tokens} tokens; a row has at most ${most}`,
    hint: 'Raise sequence_length, or choose with too_long what happens: truncate, split or drop.',
    exitCode: EXIT.malformed,
    status: 400,
  })

const nothingToLearn = (most: number) =>
  new AppError({
    code: 'nothing_to_learn',
    message: `No example has an answer within the ${most} tokens of a row`,
    hint: 'Raise sequence_length, or choose too_long = split.',
    exitCode: EXIT.malformed,
    status: 400,
  })
