import { basename } from 'node:path'
import { DatasetBook } from '../client/dataset/datasetBook.ts'
import { uploadDataset } from '../client/dataset/uploadDataset.ts'
import { DATASET_OPTIONS, datasetFile } from './dataset/fileOptions.ts'
import { destinationOf } from './dataset/places.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'

export const command: CommandDefinition = {
  args: [['<file>', 'JSONL, CSV or Parquet']],
  options: [
    ['--provider <address>', 'who is to train on it: sealed so that its enclave alone reads it'],
    ['--to <place>', 'provider, 0g-storage or local (default: provider)'],
    ['--public', 'not sealed: anyone can read it'],
    ['--folder <path>', 'with --to local: where it is kept'],
    ['--indexer <url>', 'with --to 0g-storage: another indexer'],
    ...DATASET_OPTIONS,
    ...VERIFICATION_OPTIONS,
  ],
  examples: [
    '0g-compute dataset upload data.jsonl --provider 0x…',
    '0g-compute dataset upload data.jsonl --to 0g-storage --public',
  ],
  notes: 'Checks every line first. `finetune create --dataset` uploads by itself: this is for other clients.',
  async run(context, input) {
    const { out } = context
    const file = datasetFile(input.required(0), input)
    const { place, provider, receiver, put } = await destinationOf(context, input)
    const progress = await out.progress(`Uploading ${file.path}`)
    const uploaded = await uploadDataset({ ...file, receiver, put }).finally(() => progress.stop())
    const entry = {
      ...uploaded,
      name: basename(file.path),
      place,
      sealedFor: receiver && provider,
      at: Date.now(),
    }
    await new DatasetBook(context.paths.state).add(entry)
    if (!receiver) out.warn('It is not sealed: anyone who knows the root can read it.')
    out.result(entry, () => uploaded.root)
    out.next('0g-compute dataset list')
    return undefined
  },
}
