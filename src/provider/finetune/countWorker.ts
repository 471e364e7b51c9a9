import { parentPort, workerData } from 'node:worker_threads'
import { toAppError } from '../../base/errors.ts'
import { countDatasetTokens } from '../../storage/dataset/readSamples.ts'
import { readTokenizer } from '../../storage/dataset/readTokenizer.ts'
import type { CountResult, CountWork } from './countDataset.ts'

const { file, model, chatTemplate, options } = workerData as CountWork

async function count(): Promise<CountResult> {
  try {
    const { tokens } = await countDatasetTokens(file, await readTokenizer(model, chatTemplate), options)
    return { tokens }
  } catch (error) {
    return { error: toAppError(error).toObject() }
  }
}

parentPort?.postMessage(await count())
