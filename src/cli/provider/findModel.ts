import type { ConfiguredEngine } from '../../provider/config/config.ts'
import { findWeights } from '../../provider/engine/embedded/weights.ts'
import { filesOfModel } from '../../provider/engine/spawned/modelFiles.ts'

/**
 * The files of the model that an engine of this machine is to load; none where it names none, or somebody else runs it.
 * @throws AppError `model_not_found`, `model_invalid`
 */
export async function findModel({ kind = 'embedded', model }: ConfiguredEngine): Promise<readonly string[]> {
  if (model === undefined || kind === 'url') return []
  return kind === 'embedded' ? findWeights(model) : filesOfModel(model)
}
