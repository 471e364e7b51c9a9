import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import type { TokenizerFiles } from '../../protocol/finetune/tokens.ts'

/**
 * The tokenizer in a model's folder. @param chatTemplate in place of the folder's own
 * @throws AppError `tokenizer_missing`
 */
export async function readTokenizer(folder: string, chatTemplate?: string): Promise<TokenizerFiles> {
  const [tokenizer, config, template] = await Promise.all([
    readJson(join(folder, 'tokenizer.json')),
    readJson(join(folder, 'tokenizer_config.json')),
    readFile(join(folder, 'chat_template.jinja'), 'utf8').catch(() => undefined),
  ])
  const used = chatTemplate ?? template
  return { tokenizer, config, ...(used !== undefined && { chatTemplate: used }) }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new AppError({
      code: 'tokenizer_missing',
      message: `Cannot read ${path}`,
      hint: 'A model’s folder has tokenizer.json and tokenizer_config.json, as Hugging Face has them.',
      exitCode: EXIT.usage,
      cause,
    })
  }
}
