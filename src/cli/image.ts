import { writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { format0G } from '../base/units.ts'
import { malformedAnswer } from '../client/brokerError.ts'
import { readWhole, type WholeAnswer } from '../client/purchase/readWhole.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { PRIVACY_OPTIONS } from './framework/privacy.ts'
import { purchaseOf } from './framework/purchase.ts'
import { readText } from './framework/readText.ts'
import { routingOptionsPer } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { purchaseHooks } from './render/purchaseHooks.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

export const command: CommandDefinition = {
  args: [['[prompt]', 'without it, or with -, stdin is the prompt']],
  options: [
    ['--out <file>', 'where the image goes (default image.png); more of them get -2, -3, …'],
    ['--count <number>', 'how many (default 1)'],
    ['--size <size>', 'as the model has it, e.g. 1024x1024'],
    ['--model <name>', 'which model'],
    ['--provider <address>', 'whom to ask'],
    ...routingOptionsPer('image'),
    ...VERIFICATION_OPTIONS,
    ...PRIVACY_OPTIONS,
    ['--max-cost <0G>', 'send nothing when it could cost more'],
  ],
  examples: [
    '0g-compute image "a red square" --out square.png',
    '0g-compute image "a harbour at dawn" --count 3 --size 512x512 --max-cost 0.1',
  ],
  notes: 'Priced by the image. Exit 10: rejected; 11: incomplete.',
  async run(context, input) {
    const { out, settings } = context
    const { body, answer } = await buy(context, input)
    // A rejected answer is not what was bought: it is not written where one looks for that.
    const files = answer.verdict.outcome === 'rejected' ? [] : write(imagesIn(body), input)
    const { text: _text, ...about } = answerObject(answer) as { text: string }
    out.result({ ...about, files }, () => files.join('\n'))
    const cost = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
    const seal = answer.sealed ? 'sealed' : 'not sealed'
    out.note(`${cost}, ${seal}\nVerdict: ${renderVerdict(answer.verdict, out.notePaint)}`)
    return exitCodeOf(answer.verdict, settings)
  },
}

async function buy(context: Context, input: Input): Promise<WholeAnswer> {
  const prompt = await readText(input.argument(0), '0g-compute image "a red square"')
  const size = input.text('size')
  const n = input.integer('count', 1) ?? 1
  const request = {
    ...purchaseOf(context, input),
    endpoint: '/v1/images/generations',
    body: { prompt, n, response_format: 'b64_json', ...(size !== undefined && { size }) },
    limitsTokens: false,
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
function imagesIn(body: Uint8Array): Buffer[] {
  const { data } = JSON.parse(new TextDecoder().decode(body)) as { data?: { b64_json?: unknown }[] }
  const texts = data?.map((item) => item?.b64_json) ?? []
  const isText = (text: unknown): text is string => typeof text === 'string' && text !== ''
  if (texts.length > 0 && texts.every(isText)) return texts.map((text) => Buffer.from(text, 'base64'))
  throw malformedAnswer('/v1/images/generations')
}
