import { once } from 'node:events'
import { toAppError } from '../../base/errors.ts'
import { countDatasetTokens } from '../../storage/dataset/readSamples.ts'
import { readTokenizer } from '../../storage/dataset/readTokenizer.ts'
import type { CountMessage, CountWork } from './countInChild.ts'

/** Between signs of life, ms. */
const SIGN_MS = 1000

// Who asked is gone, and nobody else will end this.
process.once('disconnect', () => process.exit())

const tell = (message: CountMessage): void => void process.send?.(message)

let saidAt = 0
function comesOn(): void {
  if (Date.now() - saidAt < SIGN_MS) return
  saidAt = Date.now()
  tell({ counting: true })
}

const [{ file, model, chatTemplate, options }] = (await once(process, 'message')) as [CountWork]
try {
  const tokenizer = await readTokenizer(model, chatTemplate)
  const { tokens } = await countDatasetTokens(file, tokenizer, options, comesOn)
  tell({ tokens })
} catch (error) {
  tell({ error: toAppError(error).toObject() })
}
