import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp'
import { Detokenizer } from './detokenizer.ts'
import type { AnswerGrammar } from './grammar.ts'
import type { LoadedModel } from './loadModel.ts'
import type { Sampling } from './sampling.ts'
import { StopStrings } from './stopStrings.ts'

/** One step of an answer. `text` is empty while a character or a possible stop string is incomplete. */
export interface Piece {
  readonly text: string
  /** Tokens generated so far. The end token is not one of them; those of a stop string are. */
  readonly completionTokens: number
}

export type FinishReason = 'stop' | 'length'

export interface Generation {
  readonly prompt: readonly Token[]
  readonly sampling: Sampling
  readonly grammar: AnswerGrammar | undefined
  readonly signal: AbortSignal
}

/** Prompts are evaluated in parts of this many tokens: between them others get a token, and an abort is seen. */
const PREFILL_PART = 256

/** Generates on an empty sequence; returns why it ended. Ends at the next token when the signal is aborted. */
export async function* generate(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  generation: Generation,
): AsyncGenerator<Piece, FinishReason> {
  const { prompt, sampling, grammar, signal } = generation
  const lastPart = await prefill(loaded, sequence, prompt, signal)
  const mostTokens = Math.min(sampling.maxTokens ?? Infinity, loaded.contextLength - prompt.length)
  const generated: Token[] = []
  const tokens = sequence.evaluate(lastPart, evaluateOptions(loaded, generation, generated))
  const detokenizer = new Detokenizer(loaded.model)
  const stops = new StopStrings(sampling.stop)
  try {
    while (generated.length < mostTokens) {
      signal.throwIfAborted()
      const { value: token } = await loaded.steps.run(() => tokens.next())
      if (token === undefined) return yield* end('stop')
      generated.push(token)
      const text = detokenizer.push(token)
      yield { text: stops.push(text), completionTokens: generated.length }
      if (stops.isStopped) return 'stop'
      if (grammar?.isCompletedBy(text) === true) return yield* end('stop')
    }
    return yield* end('length')
  } finally {
    await tokens.return()
  }

  async function* end(reason: FinishReason): AsyncGenerator<Piece, FinishReason> {
    const rest = stops.push(detokenizer.flush())
    yield { text: rest + stops.flush(), completionTokens: generated.length }
    return stops.isStopped ? 'stop' : reason
  }
}

/** Evaluates all parts of the prompt but the last, which is returned: its last token brings the first of the answer. */
async function prefill(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  signal: AbortSignal,
): Promise<Token[]> {
  let start = 0
  for (; prompt.length - start > PREFILL_PART; start += PREFILL_PART) {
    signal.throwIfAborted()
    const part = prompt.slice(start, start + PREFILL_PART)
    await loaded.steps.run(() => sequence.evaluateWithoutGeneratingNewTokens(part))
  }
  return prompt.slice(start)
}

function evaluateOptions(
  loaded: LoadedModel,
  { sampling, grammar }: Generation,
  generated: Token[],
): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed, frequencyPenalty, presencePenalty, ignoreEos } = sampling
  const isPenalised = frequencyPenalty !== 0 || presencePenalty !== 0
  return {
    temperature,
    topP,
    topK,
    minP,
    seed,
    yieldEogToken: ignoreEos,
    ...(grammar !== undefined && { grammarEvaluationState: grammar.state }),
    ...(isPenalised && {
      repeatPenalty: {
        // As in OpenAI's API, over what was generated, not over the prompt.
        punishTokens: () => generated,
        maxPunishTokens: loaded.contextLength,
        penalty: 1,
        frequencyPenalty,
        presencePenalty,
      },
    }),
  }
}
