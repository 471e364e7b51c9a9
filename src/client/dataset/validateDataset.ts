import { hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import {
  BadRecord,
  type Sample,
  type SampleFormat,
  sampleOf,
} from '../../protocol/finetune/dataset/sample.ts'
import type { DatasetFormat } from '../../protocol/finetune/spec.ts'
import { rowLength, TokenCounter } from '../../protocol/finetune/tokens.ts'
import {
  type DatasetFile,
  emptyDataset,
  formatOfName,
  readRecords,
} from '../../storage/dataset/readRecords.ts'
import { readTokenizer } from '../../storage/dataset/readTokenizer.ts'
import { type Finding, Findings } from './findings.ts'
import { type LengthReport, Lengths } from './lengths.ts'
import { type SensitiveKind, sensitiveKinds } from './sensitive.ts'

export interface ValidateOptions extends DatasetFile {
  /** Folder with the model's tokenizer; without it lengths are characters, and tokens are estimated. */
  readonly tokenizer?: string | undefined
  /** Longest row, tokens; default 512, as the trainer's. */
  readonly sequenceLength?: number | undefined
}

/** What was found in a dataset. */
export interface DatasetReport {
  readonly path: string
  readonly format: DatasetFormat
  readonly bytes: number
  /** Samples that can be trained on. */
  readonly examples: number
  /** The format of the first sample. */
  readonly sampleFormat: SampleFormat | null
  /** Whether the trainer takes it: there are no errors. */
  readonly valid: boolean
  readonly findings: readonly Finding[]
  readonly lengths: LengthReport
}

/** A token of English text has about four characters. */
const CHARACTERS_PER_TOKEN = 4

/**
 * Looks at every record of a dataset, in constant memory but for 40 bytes of each that tell duplicates.
 * @throws AppError when the file as a whole cannot be read: as `readRecords` and `readTokenizer`
 */
export async function validateDataset(options: ValidateOptions): Promise<DatasetReport> {
  const inspection = new Inspection(await measureOf(options))
  for await (const { place, record } of readRecords(options)) inspection.look(place, record)
  if (inspection.records === 0) throw emptyDataset()
  const findings = inspection.findings.list()
  return {
    path: options.path,
    format: options.format ?? formatOfName(options.path),
    bytes: (await stat(options.path)).size,
    examples: inspection.examples,
    sampleFormat: inspection.format,
    valid: findings.every(({ severity }) => severity !== 'error'),
    findings,
    lengths: inspection.lengths.report(),
  }
}

/** How long a sample is, and from where on it is too long. */
interface Measure {
  readonly unit: LengthReport['unit']
  readonly most: number
  readonly tooLong: string
  lengthOf(sample: Sample): number
}

async function measureOf({ tokenizer, sequenceLength }: ValidateOptions): Promise<Measure> {
  const tokens = rowLength(sequenceLength ?? 0, Number.POSITIVE_INFINITY)
  if (tokenizer === undefined)
    return {
      unit: 'characters',
      most: tokens * CHARACTERS_PER_TOKEN,
      tooLong: `probably longer than a row of ${tokens} tokens, and would be cut`,
      lengthOf: (sample) => textOf(sample).length,
    }
  const counter = new TokenCounter(await readTokenizer(tokenizer), {
    sequenceLength: tokens,
    tooLong: 'truncate',
  })
  return {
    unit: 'tokens',
    most: tokens,
    tooLong: `longer than a row of ${tokens} tokens, and would be cut`,
    lengthOf: (sample) => counter.length(sample),
  }
}

class Inspection {
  readonly findings = new Findings()
  readonly lengths: Lengths
  readonly #measure: Measure
  readonly #seen = new Set<number>()
  records = 0
  examples = 0
  format: SampleFormat | null = null

  constructor(measure: Measure) {
    this.#measure = measure
    this.lengths = new Lengths(measure.unit)
  }

  look(line: number, record: unknown): void {
    this.records++
    try {
      if (record instanceof BadRecord) throw record
      this.#lookAt(line, sampleOf(record))
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error
      this.findings.add('error', error.code, error.message, line)
    }
  }

  #lookAt(line: number, sample: Sample): void {
    this.format ??= sample.format
    if (sample.format !== this.format)
      throw new BadRecord(
        'mixed_formats',
        `has the format ${sample.format}, the lines before it ${this.format}`,
      )
    this.examples++
    const length = this.#measure.lengthOf(sample)
    this.lengths.add(length)
    if (length > this.#measure.most) this.findings.add('warning', 'too_long', this.#measure.tooLong, line)
    if (this.#isKnown(sample))
      this.findings.add('warning', 'duplicate', 'the same as an earlier example', line)
    for (const kind of sensitiveKinds(textOf(sample)))
      this.findings.add('warning', `sensitive_${kind}`, SENSITIVE[kind], line)
  }

  /** By 52 bits of a hash: of a million examples one is taken for a duplicate with a chance of 1 in 9000. */
  #isKnown(sample: Sample): boolean {
    const digest = hash('sha256', JSON.stringify(sample), 'hex')
    const before = this.#seen.size
    return this.#seen.add(Number.parseInt(digest.slice(0, 13), 16)).size === before
  }
}

const textOf = (sample: Sample): string =>
  sample.format === 'text' ? sample.text : sample.messages.map(({ content }) => content).join('\n')

const SENSITIVE: Readonly<Record<SensitiveKind, string>> = {
  email: 'an e-mail address',
  phone: 'a telephone number',
  card: 'a payment card number',
  iban: 'a bank account number',
  social_security: 'a social security number',
  private_key: 'a private key, or a hash as long as one',
  api_key: 'an API key',
  access_token: 'an access token',
  password: 'a password',
}
