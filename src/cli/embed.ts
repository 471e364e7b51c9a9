import { format0G, parse0G } from '../base/units.ts'
import { malformedAnswer } from '../client/brokerError.ts'
import { readWhole, type WholeAnswer } from '../client/purchase/readWhole.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress, type Input } from './framework/input.ts'
import { readText } from './framework/readText.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { purchaseHooks } from './render/purchaseHooks.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

export const command: CommandDefinition = {
  args: [['[text]', 'without it, or with -, each line of stdin is a text']],
  options: [
    ['--model <name>', 'which model'],
    ['--provider <address>', 'whom to ask'],
    ...ROUTING_OPTIONS,
    ...VERIFICATION_OPTIONS,
    ['--max-cost <0G>', 'send nothing when it could cost more'],
  ],
  examples: ['0g-compute embed "a sentence"', '0g-compute embed - < lines.txt > vectors.ndjson'],
  notes:
    'Vectors go to stdout, one JSON array a line; cost and verdict to stderr. Exit 10: rejected; 11: incomplete.',
  async run(context, input) {
    const { out, settings } = context
    const argument = input.argument(0)
    const text = await readText(argument, '0g-compute embed "a sentence"')
    const input_ = argument === undefined || argument === '-' ? text.split('\n') : [text]
    const { body, answer } = await buy(context, input, input_)
    const vectors = vectorsIn(new TextDecoder().decode(body))
    const { text: _text, ...about } = answerObject(answer) as { text: string }
    out.result({ ...about, embeddings: vectors }, () =>
      vectors.map((vector) => JSON.stringify(vector)).join('\n'),
    )
    const cost = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
    out.note(`${cost}\nVerdict: ${renderVerdict(answer.verdict, out.notePaint)}`)
    return exitCodeOf(answer.verdict, settings)
  },
}

async function buy(context: Context, input: Input, texts: readonly string[]): Promise<WholeAnswer> {
  const { settings, signal } = context
  const model = input.text('model') ?? settings.get('model')
  const provider = input.text('provider') ?? settings.get('provider')
  const maxCost = input.text('maxCost') ?? settings.get('max-cost')
  const request = {
    endpoint: '/v1/embeddings',
    body: { input: texts, encoding_format: 'float' },
    limitsTokens: false,
    preferences: preferencesOf(input),
    signal,
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider: asAddress(provider) }),
    ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
  } as const
  const compute = await context.compute()
  const progress = await context.out.progress('Finding a provider')
  try {
    const { pieces } = await compute.buy(request, purchaseHooks(context, progress, request))
    return await readWhole(pieces)
  } finally {
    progress.stop()
  }
}

/** @throws AppError `provider_answer_malformed` */
function vectorsIn(text: string): number[][] {
  const { data } = JSON.parse(text) as { data?: { index?: number; embedding?: unknown }[] }
  const vectors = data?.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0)).map(({ embedding }) => embedding)
  const isVector = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'number')
  if (vectors?.every(isVector)) return vectors
  throw malformedAnswer('/v1/embeddings')
}
