import type { RunningEngine } from '../supervisedEngine.ts'
import { vllmTokenizer } from '../url/tokenizers.ts'
import { type LoadOptions, startEngineProcess } from './engineProcess.ts'
import { fingerprintWeights, type HashFiles, modelInvalid } from './weights.ts'

/**
 * Loads and hashes at once, and makes sure that both saw the same bytes.
 * @throws AppError `model_invalid`, and those of the process
 */
export async function startHashed(
  load: LoadOptions,
  files: readonly string[],
  hash: HashFiles,
): Promise<RunningEngine> {
  const before = await fingerprintWeights(files)
  const [started, hashed] = await Promise.allSettled([startEngineProcess(load), hash(files)])
  if (started.status === 'rejected') throw started.reason
  const { pid, baseUrl, bearer, contextLength, kinds, exited, stop } = started.value
  try {
    if (hashed.status === 'rejected') throw hashed.reason
    if ((await fingerprintWeights(files)) !== before)
      throw modelInvalid(load.modelPath, 'it changed while it was loaded')
  } catch (error) {
    await stop()
    throw error
  }
  const headers = { authorization: `Bearer ${bearer}` }
  const models = [{ id: load.modelId, digest: hashed.value, contextLength, kinds }]
  return { pid, baseUrl, headers, models, tokenizer: vllmTokenizer({ baseUrl, headers }), exited, stop }
}
