import type { TaskSpec } from '../../../protocol/finetune/spec.ts'

const MOST_LAYERS = 1000

/**
 * What a configuration of a transformer comes to, roughly: embeddings, attention and feed-forward of every layer. The
 * trainer counts exactly. Null where it does not name its sizes: transformers would take those of a large model.
 */
export function scratchParameters({ config, vocabulary }: NonNullable<TaskSpec['scratch']>): number | null {
  const size = (...names: string[]) => {
    const value = names.map((name) => Number(config[name])).find((number) => number > 0)
    return value ?? 0
  }
  const hidden = size('hidden_size', 'n_embd', 'd_model')
  const layers = size('num_hidden_layers', 'n_layer')
  if (hidden === 0 || layers === 0 || layers > MOST_LAYERS) return null
  const inner = size('intermediate_size', 'n_inner') || 4 * hidden
  return Math.ceil(2 * vocabulary * hidden + layers * (4 * hidden ** 2 + 3 * hidden * inner))
}
