import { AppError, EXIT, type ExitCode } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import { toSrt, toVtt } from '../client/media/subtitles.ts'
import type { Transcription } from '../client/media/transcribe.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { PRIVACY_OPTIONS } from './framework/privacy.ts'
import { purchaseOf } from './framework/purchase.ts'
import { readRecording } from './framework/readRecording.ts'
import { routingOptionsPer } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { answerObject } from './render/answer.ts'
import { purchaseHooks } from './render/purchaseHooks.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

const FORMATS = ['text', 'srt', 'vtt'] as const
type Format = (typeof FORMATS)[number]

export const command: CommandDefinition = {
  args: [['<file>', 'the recording: WAV, MP3, MP4, Ogg, FLAC or WebM, up to 25 MiB; - reads it from stdin']],
  options: [
    ['--language <code>', 'what is spoken, e.g. en'],
    ['--prompt <text>', 'names and words that come up, or what was said before'],
    ['--format <format>', `${FORMATS.join(', ')} (default text)`],
    ['--model <name>', 'which model'],
    ['--provider <address>', 'whom to ask'],
    ...routingOptionsPer('second'),
    ...VERIFICATION_OPTIONS,
    ...PRIVACY_OPTIONS,
    ['--max-cost <0G>', 'send nothing when it could cost more'],
  ],
  examples: [
    '0g-compute transcribe talk.mp3',
    '0g-compute transcribe talk.mp3 --language en --format srt > talk.srt',
    '0g-compute transcribe - --json < note.wav | jq .segments',
  ],
  notes: `The text goes to stdout; cost and verdict to stderr. Priced by the begun second: billed may be what this client
counts in the file, and no more. Files are not sealed to the enclave: the provider hears them, and --private refuses.
Exit 10: verification rejected; 11: incomplete; 20: no times for subtitles, the text is there.`,
  async run(context, input) {
    const format = formatOf(input.text('format'))
    const answer = await buy(context, input)
    const exit = show(context, answer, format)
    report(context, answer)
    const judged = exitCodeOf(answer.verdict, context.settings)
    return judged === EXIT.ok ? exit : judged
  },
}

/** @throws AppError `option_invalid` */
function formatOf(text: string = FORMATS[0]): Format {
  const format = FORMATS.find((known) => known === text)
  if (format) return format
  throw new AppError({
    code: 'option_invalid',
    message: `--format takes ${FORMATS.join(', ')}, not "${text}"`,
    hint: 'With --json everything is there, the times too',
    exitCode: EXIT.usage,
  })
}

async function buy(context: Context, input: Input): Promise<Transcription> {
  const recording = await readRecording(input.required(0))
  const language = input.text('language')
  const prompt = input.text('prompt')
  const request = {
    ...purchaseOf(context, input),
    recording,
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { prompt }),
  }
  const compute = await context.compute()
  const progress = await context.out.progress('Finding a provider')
  try {
    return await compute.transcribe(request, purchaseHooks(context, progress, request))
  } finally {
    progress.stop()
  }
}

/** Subtitles need times; where the model names none, what was said is still what was paid for. */
function show({ out }: Context, answer: Transcription, format: Format): ExitCode | undefined {
  const { segments, seconds } = answer
  const text = answer.text.trim()
  const isTimeless = format !== 'text' && segments.length === 0 && text !== ''
  const subtitles = format === 'srt' ? toSrt(segments) : toVtt(segments)
  out.result({ ...answerObject(answer), text, seconds, segments }, () =>
    format === 'text' || isTimeless ? text : subtitles,
  )
  if (!isTimeless) return undefined
  out.warn(`${answer.model} does not say when it heard what: this is the text alone`)
  return EXIT.unsupported
}

function report({ out }: Context, { seconds, fee, sealed, verdict, beforeMs, totalMs }: Transcription): void {
  const length = seconds === null ? 'seconds not stated' : `${seconds} s`
  const cost = fee === null ? 'no receipt' : `${format0G(fee)} 0G`
  const about = `${length}, ${cost}, ${sealed ? 'sealed' : 'not sealed'}, ${Math.round(beforeMs + totalMs)} ms in all`
  out.note(`${out.notePaint.dim(about)}\nVerdict: ${renderVerdict(verdict, out.notePaint)}`)
  if (verdict.outcome !== 'rejected') return
  out.warn(
    'Do not rely on this text. Its receipt is kept; 0g-compute receipts audit compares it with the chain',
  )
}
