import { createHash } from 'node:crypto'
import { AppError, EXIT } from '../../base/errors.ts'
import type { ModelFile } from '../../protocol/finetune/terms.ts'
import type { TokenizerFiles } from '../../protocol/finetune/tokens.ts'
import { readTokenizer } from '../../storage/dataset/readTokenizer.ts'
import type { BaseModel } from './market.ts'
import type { TaskApi } from './taskApi.ts'

/** Largest tokenizer file that is read, bytes. */
const MAX_FILE = 64 * 1024 * 1024
const TOKENIZER = 'tokenizer.json'
const CONFIG = 'tokenizer_config.json'
const TEMPLATE = 'chat_template.jinja'

/**
 * The files that a model's tokens are counted with: of a folder, or as the provider serves them.
 * @returns null where neither has them
 * @throws AppError `tokenizer_missing`, `tokenizer_unreadable`, `tokenizer_differs`
 */
export async function tokenizerOf(
  api: TaskApi,
  model: BaseModel,
  folder: string | undefined,
  chatTemplate: string | undefined,
): Promise<TokenizerFiles | null> {
  if (folder !== undefined) return readTokenizer(folder, chatTemplate)
  const fetch = async (name: string) => {
    const file = model.files.find((entry) => entry.name === name)
    return file ? fetchFile(api, model.name!, file) : null
  }
  const [tokenizer, config, template] = await Promise.all([TOKENIZER, CONFIG, TEMPLATE].map(fetch))
  if (!tokenizer) return null
  const used = chatTemplate ?? template ?? undefined
  return {
    tokenizer: parse(tokenizer, TOKENIZER),
    config: config ? parse(config, CONFIG) : {},
    ...(used !== undefined && { chatTemplate: used }),
  }
}

/** A file is what its hash in the model's entry says. */
async function fetchFile(api: TaskApi, model: string, file: ModelFile): Promise<string> {
  const response = await api.modelFile(model, file.name)
  const hash = createHash('sha256')
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body) {
    bytes += piece.length
    if (bytes > MAX_FILE) throw unreadable(`${file.name} of ${model}`)
    hash.update(piece)
    pieces.push(piece)
  }
  if (hash.digest('hex') !== file.sha256) throw differs(model, file.name)
  return Buffer.concat(pieces).toString('utf8')
}

function parse(text: string, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // answered below, like JSON that is something else
  }
  throw unreadable(name)
}

const unreadable = (what: string): AppError =>
  new AppError({
    code: 'tokenizer_unreadable',
    message: `Cannot read ${what}`,
    hint: 'Without the tokenizer no token can be counted. Nothing was sent',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.malformed,
  })

const differs = (model: string, name: string): AppError =>
  new AppError({
    code: 'tokenizer_differs',
    message: `${name} of ${model} is not the file that the provider names`,
    hint: 'Tokens would be counted wrongly. Nothing was sent',
    next: '0g-compute finetune models',
    exitCode: EXIT.rejected,
  })
