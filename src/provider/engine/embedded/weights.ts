import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../../base/errors.ts'

/**
 * The files of a model, in order: a GGUF may be split in `name-00001-of-00003.gguf` and so on.
 *
 * @throws AppError `model_not_found`, `model_invalid`
 */
export async function findWeights(modelPath: string): Promise<readonly string[]> {
  const files = listParts(modelPath)
  for (const file of files) await requireGguf(file)
  return files
}

/** SHA-256 (hex) over the bytes of the files, one after another; of a model in one file that file's own hash. */
export type HashFiles = (files: readonly string[]) => Promise<string>

/** Reads all of them. */
export const hashWeights: HashFiles = async (files) => {
  const hash = createHash('sha256')
  for (const file of files) await pipeline(createReadStream(file), hash, { end: false })
  return hash.digest('hex')
}

/** Changes when a file was replaced or written to. */
export async function fingerprintWeights(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file, { bigint: true })))
  return stats
    .map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join())
    .join(';')
}

function listParts(modelPath: string): string[] {
  const split = /^(?<stem>.*)-00001-of-(?<count>\d{5})\.gguf$/.exec(modelPath)?.groups
  if (split === undefined) return [modelPath]
  const { stem, count } = split
  return Array.from(
    { length: Number(count) },
    (_, index) => `${stem}-${String(index + 1).padStart(5, '0')}-of-${count}.gguf`,
  )
}

async function requireGguf(file: string): Promise<void> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new AppError({
      code: 'model_not_found',
      message: `There is no readable model file at ${file}.`,
      hint: 'Give the path of a GGUF file, for example with --model ./models/demo/demo.gguf.',
      next: '0g-compute provider serve --help',
      cause,
    })
  })
  try {
    const magic = Buffer.alloc(4)
    const isFile = (await handle.stat()).isFile()
    if (isFile) await handle.read(magic, 0, 4, 0)
    if (magic.toString('latin1') !== 'GGUF') throw modelInvalid(file, 'it does not start with GGUF')
  } finally {
    await handle.close()
  }
}

export function modelInvalid(file: string, reason: string): AppError {
  return new AppError({
    code: 'model_invalid',
    message: `${file} is not a usable model: ${reason}.`,
    hint: 'The file may be truncated or of another format. Download or convert it again and compare its SHA-256.',
  })
}
