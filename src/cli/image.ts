import { writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { format0G, parse0G } from '../base/units.ts'
import type { Answer } from '../client/answer.ts'
import { malformedAnswer } from '../client/brokerError.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress, type Input } from './framework/input.ts'
import { readText } from './framework/readText.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { fundingHooks } from './render/funding.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

export const command: CommandDefinition = {
  args: [['[prompt]', 'without it, or with -, stdin is the prompt']],
  options: [
    ['--out <file>', 'where the image goes (default image.png); more of them get -2, -3, …'],
    ['--count <number>', 'how many (default 1)'],
    ['--size <size>', 'as the model has it, e.g. 1024x1024'],
    ['--model <name>', 'which model'],
    ['--provider <address>', 'whom to ask'],
    ...ROUTING_OPTIONS,
    ...VERIFICATION_OPTIONS,
    ['--max-cost <0G>', 'send nothing when it could cost more'],
  ],
  examples: [
    '0g-compute image "a red square" --out square.png',
    '0g-compute image "a harbour at dawn" --count 3 --size 512x512 --max-cost 0.1',
  ],
  notes:
    'Priced by the image. Prompts of images are not sealed to the enclave: the provider reads them. Exit 10: rejected; 11: incomplete.',
  async run(context, input) {
    const { out, settings } = context
    const prompt = await readText(input.argument(0), '0g-compute image "a red square"')
    const compute = await context.compute()
    const { pieces } = await compute.buy(
      { ...requestOf(prompt, input, settings), signal: context.signal },
      fundingHooks(context),
    )
    const chunks: Uint8Array[] = []
    let step = await pieces.next()
    for (; !step.done; step = await pieces.next()) chunks.push(step.value.bytes)
    const answer: Answer = step.value
    // A rejected answer is not what was bought: it is not written where one looks for that.
    const files = answer.verdict.outcome === 'rejected' ? [] : write(imagesIn(Buffer.concat(chunks)), input)
    const { text: _text, ...about } = answerObject(answer) as { text: string }
    out.result({ ...about, files }, () => files.join('\n'))
    const cost = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
    out.note(`${cost}\nVerdict: ${renderVerdict(answer.verdict, out.notePaint)}`)
    return exitCodeOf(answer.verdict, settings)
  },
}

function requestOf(prompt: string, input: Input, settings: { get(name: string): string | undefined }) {
  const model = input.text('model') ?? settings.get('model')
  const provider = input.text('provider') ?? settings.get('provider')
  const maxCost = input.text('maxCost') ?? settings.get('max-cost')
  const size = input.text('size')
  return {
    endpoint: '/v1/images/generations' as const,
    body: {
      prompt,
      n: input.integer('count', 1) ?? 1,
      response_format: 'b64_json',
      ...(size !== undefined && { size }),
    },
    limitsTokens: false,
    preferences: preferencesOf(input),
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider: asAddress(provider) }),
    ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
  }
}

/** @returns the files, in order */
function write(images: readonly Buffer[], input: Input): string[] {
  const path = input.text('out') ?? 'image.png'
  const extension = extname(path)
  const stem = path.slice(0, path.length - extension.length)
  return images.map((image, index) => {
    const file = index === 0 ? path : `${stem}-${index + 1}${extension}`
    writeFileSync(file, image)
    return file
  })
}

/** @throws AppError `provider_answer_malformed` */
function imagesIn(body: Buffer): Buffer[] {
  const { data } = JSON.parse(body.toString('utf8')) as { data?: { b64_json?: unknown }[] }
  const texts = data?.map((item) => item?.b64_json) ?? []
  const isText = (text: unknown): text is string => typeof text === 'string' && text !== ''
  if (texts.length > 0 && texts.every(isText)) return texts.map((text) => Buffer.from(text, 'base64'))
  throw malformedAnswer('/v1/images/generations')
}
