import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../base/errors.ts'
import type { HashFiles } from '../embedded/weights.ts'

/**
 * A model's files: one GGUF, or a folder as `transformers` publishes them.
 * @throws AppError `model_not_found`
 */
export async function filesOfModel(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => null)
  if (found?.isFile()) return [path]
  const entries = found?.isDirectory() ? await readdir(path, { withFileTypes: true }) : []
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(path, name))
  if (files.some((file) => file.endsWith('.safetensors'))) return files.sort()
  throw new AppError({
    code: 'model_not_found',
    message: `${path} is neither a model file nor a folder with safetensors.`,
    hint: 'Give a GGUF file, or a folder with config.json, tokenizer.json and *.safetensors.',
    next: '0g-compute provider serve --help',
  })
}

/**
 * Digest of a model: of a file its SHA-256; of a folder the SHA-256 of the lines `<sha256>  <name>\n` of its files by
 * name, as `sha256sum *` prints them; of an adapter the same over the files of its base, then its own.
 */
export async function digestOf(files: readonly string[], hash: HashFiles): Promise<string> {
  if (files.length === 1) return hash(files)
  const list = createHash('sha256')
  for (const file of files) list.update(`${await hash([file])}  ${file.slice(file.lastIndexOf('/') + 1)}\n`)
  return list.digest('hex')
}
