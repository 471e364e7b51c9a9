import { format0G, parse0G } from '../base/units.ts'
import type { Answer } from '../client/answer.ts'
import { malformedAnswer } from '../client/brokerError.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress } from './framework/input.ts'
import { readText } from './framework/readText.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { fundingHooks } from './render/funding.ts'
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
    const { out, settings, signal } = context
    const argument = input.argument(0)
    const text = await readText(argument, '0g-compute embed "a sentence"')
    const input_ = argument === undefined || argument === '-' ? text.split('\n') : [text]
    const compute = await context.compute()
    const model = input.text('model') ?? settings.get('model')
    const provider = input.text('provider') ?? settings.get('provider')
    const maxCost = input.text('maxCost') ?? settings.get('max-cost')
    const { pieces } = await compute.buy(
      {
        endpoint: '/v1/embeddings',
        body: { input: input_, encoding_format: 'float' },
        limitsTokens: false,
        preferences: preferencesOf(input),
        signal,
        ...(model !== undefined && { model }),
        ...(provider !== undefined && { provider: asAddress(provider) }),
        ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
      },
      fundingHooks(context),
    )
    const chunks: Uint8Array[] = []
    let step = await pieces.next()
    for (; !step.done; step = await pieces.next()) chunks.push(step.value.bytes)
    const answer: Answer = step.value
    const vectors = vectorsIn(Buffer.concat(chunks).toString('utf8'))
    const { text: _text, ...about } = answerObject(answer) as { text: string }
    out.result({ ...about, embeddings: vectors }, () =>
      vectors.map((vector) => JSON.stringify(vector)).join('\n'),
    )
    const cost = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
    out.note(`${cost}\nVerdict: ${renderVerdict(answer.verdict, out.notePaint)}`)
    return exitCodeOf(answer.verdict, settings)
  },
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
