import type { TaskSpec } from '../../../protocol/finetune/spec.ts'

/** What a configuration of a transformer comes to, roughly: embeddings, attention and feed-forward of every layer. */
export function scratchParameters({ config, vocabulary }: NonNullable<TaskSpec['scratch']>): number {
  const size = (...names: string[]) => {
    const value = names.map((name) => Number(config[name])).find((number) => number > 0)
    return value ?? 0
  }
  const hidden = size('hidden_size', 'n_embd', 'd_model')
  const layers = size('num_hidden_layers', 'n_layer')
  const inner = size('intermediate_size', 'n_inner') || 4 * hidden
  return Math.ceil(2 * vocabulary * hidden + layers * (4 * hidden ** 2 + 3 * hidden * inner))
}
