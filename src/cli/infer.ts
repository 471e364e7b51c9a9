import { format0G, parse0G } from '../base/units.ts'
import type { Answer } from '../client/answer.ts'
import type { ChatMessage } from '../client/chatRequest.ts'
import type { InferenceRequest } from '../client/inference.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress, type Input } from './framework/input.ts'
import type { Progress } from './framework/output.ts'
import { PRIVACY_OPTIONS, privacyOf } from './framework/privacy.ts'
import { readImage, readJsonFile } from './framework/readInput.ts'
import { readText } from './framework/readText.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { purchaseHooks } from './render/purchaseHooks.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

const EXAMPLE = '0g-compute infer "What is the 0G network?"'

export const command: CommandDefinition = {
  args: [['[prompt]', 'the question; without it, or with -, it is read from stdin']],
  options: [
    ['--model <name>', 'which model (default: that of the cheapest provider)'],
    ['--provider <address>', 'whom to ask (default: the cheapest that has the model)'],
    ...ROUTING_OPTIONS,
    ...VERIFICATION_OPTIONS,
    ...PRIVACY_OPTIONS,
    ['--system <text>', 'system prompt'],
    ['--image <file>', 'show the model an image; several with commas'],
    ['--schema <file>', 'JSON Schema that the answer has to follow, where the engine can'],
    ['--tools <file>', "functions that the model may call, in OpenAI's form"],
    ['--max-tokens <count>', 'at most so many tokens'],
    ['--temperature <number>', '0 to 2'],
    ['--max-cost <0G>', 'send nothing when the answer could cost more'],
    ['--no-stream', 'the whole answer at once'],
  ],
  examples: [
    EXAMPLE,
    'cat question.txt | 0g-compute infer --max-cost 0.01',
    '(echo "Summarise this:"; cat notes.txt) | 0g-compute infer',
    '0g-compute infer "Add 2 and 3" --json | jq .verdict',
  ],
  notes: `The answer goes to stdout; cost and verdict to stderr. Exit 10: verification rejected; 11: incomplete.
Beside a prompt stdin is not read: what a script or a loop reads there would be sent, and paid for.`,
  async run(context, input) {
    const request = await readRequest(context, input)
    const buyer = await context.buyer()
    const progress = await context.out.progress('Finding a provider')
    try {
      const answer = await show(
        buyer.chat(request, purchaseHooks(context, progress, request)),
        context,
        progress,
      )
      report(context, answer)
      return exitCodeOf(answer.verdict, context.settings)
    } finally {
      progress.stop()
    }
  },
}

async function readRequest(context: Context, input: Input): Promise<InferenceRequest> {
  const { settings, signal } = context
  const prompt = await readText(input.argument(0), EXAMPLE)
  const system = input.text('system')
  const messages: ChatMessage[] = [
    ...(system !== undefined ? [{ role: 'system', content: system } as const] : []),
    { role: 'user', content: contentOf(prompt, input.text('image')) },
  ]
  const model = input.text('model') ?? settings.get('model')
  const provider = input.text('provider') ?? settings.get('provider')
  const maxCost = input.text('maxCost') ?? settings.get('max-cost')
  const maxTokens = input.integer('maxTokens', 1)
  const temperature = input.number('temperature', 0, 2)
  return {
    messages,
    stream: input.flag('stream'),
    preferences: preferencesOf(input),
    ...privacyOf(input),
    ...formOf(input),
    signal,
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider: asAddress(provider) }),
    ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
  }
}

/** The question, with images beside it. */
function contentOf(prompt: string, images: string | undefined): ChatMessage['content'] {
  if (images === undefined) return prompt
  return [{ type: 'text', text: prompt }, ...images.split(',').map(readImage)]
}

/** A schema asks for an answer of that form; tools are functions that the model may ask to be called. */
function formOf(input: Input): Pick<InferenceRequest, 'responseFormat' | 'tools'> {
  const schema = input.text('schema')
  const tools = input.text('tools')
  return {
    ...(schema !== undefined && {
      responseFormat: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: readJsonFile(schema) },
      },
    }),
    ...(tools !== undefined && { tools: asTools(readJsonFile(tools)) }),
  }
}

const asTools = (value: unknown): object[] => (Array.isArray(value) ? value : [value]) as object[]

/** Writes the text as it comes. */
async function show(
  chat: AsyncGenerator<string, Answer>,
  { out }: Context,
  progress: Progress,
): Promise<Answer> {
  let last = '\n'
  try {
    for (;;) {
      const { done, value } = await chat.next()
      if (done) return value
      progress.stop()
      out.piece(value)
      last = value
    }
  } finally {
    if (!last.endsWith('\n')) out.piece('\n')
  }
}

function report({ out }: Context, answer: Answer): void {
  if (out.json) out.result(answerObject(answer), () => '')
  const { usage, fee, verdict } = answer
  const tokens = usage ? `${usage.promptTokens} + ${usage.completionTokens} tokens` : 'tokens not stated'
  const cost = fee === null ? 'no receipt' : `${format0G(fee)} 0G`
  const paint = out.notePaint
  out.note(
    `${paint.dim(`${tokens}, ${cost}, ${answer.sealed ? 'sealed' : 'not sealed'}, ${timesOf(answer)}`)}\nVerdict: ${renderVerdict(verdict, paint)}`,
  )
  if (verdict.outcome === 'rejected') {
    out.warn(
      'Do not rely on this answer. Its receipt is kept; 0g-compute receipts audit compares it with the chain',
    )
  }
}

/** How long it took, and how much of that was ours. */
function timesOf({ beforeMs, firstTextMs, totalMs }: Answer): string {
  const first =
    firstTextMs === null ? '' : `first text after ${beforeMs + firstTextMs} ms, of them ${beforeMs} here; `
  return `${first}${beforeMs + totalMs} ms in all`
}
