import { randomBytes } from 'node:crypto'
import { hexToBytes } from '../../../src/base/hex.ts'
import { sealFile } from '../../../src/protocol/finetune/sealedFile.ts'
import type { FineTuneTerms } from '../../../src/protocol/finetune/terms.ts'

/** Few steps of a small model: seconds on a CPU. */
export const PARAMETERS = {
  num_train_epochs: 2,
  per_device_train_batch_size: 4,
  learning_rate: 0.001,
  lora_rank: 4,
  lora_alpha: 8,
  lora_dropout: 0,
  sequence_length: 64,
}

/** Lines that a model could learn from. */
export const datasetOf = (lines: number, word = 'copper'): string =>
  Array.from({ length: lines }, (_, index) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `What is the metal of number ${index}?` },
        { role: 'assistant', content: `It is ${word}.` },
      ],
    }),
  ).join('\n')

/** The dataset as a user seals it for the provider. */
export async function sealed(terms: FineTuneTerms, bytes: Uint8Array): Promise<Uint8Array> {
  const source = async function* () {
    yield bytes
  }
  const pieces: Uint8Array[] = []
  for await (const piece of sealFile(hexToBytes(terms.datasetKey), randomBytes(32), source()))
    pieces.push(piece)
  return Buffer.concat(pieces)
}
