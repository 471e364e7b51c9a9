import { quoted } from '../../base/quoted.ts'
import type { LocalTask } from './localTask.ts'

/** What is used where no seed is named. */
export const DEFAULT_SEED = 7

/**
 * The command that goes on with an order which was never sent. Where what is kept does not tell all of its words, as
 * for a model from scratch or a template of one's own, it ends in "…".
 */
export function createCommand({ model, method, datasetPath, place, provider, request }: LocalTask): string {
  const spec = JSON.parse(request.spec ?? '{}') as { seed?: number; chatTemplate?: string; dataset?: Dataset }
  const parameters = Object.entries(JSON.parse(request.trainingParams) as Record<string, unknown>)
  const columns = Object.entries(spec.dataset?.columns ?? {})
  const isWhole = model !== null && place === 'upload' && spec.chatTemplate === undefined
  const options: readonly (readonly [string, string | undefined])[] = [
    ['model', model ?? undefined],
    ['dataset', datasetPath],
    ['columns', listOf(columns)],
    ['provider', provider],
    ['method', model === null ? undefined : method],
    ['param', listOf(parameters)],
    ['seed', spec.seed === DEFAULT_SEED ? undefined : spec.seed?.toString()],
  ]
  const words = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, quoted(value)]))
  const command = model === null ? 'train create' : 'finetune create'
  return ['0g-compute', command, ...words, ...(isWhole ? [] : ['…'])].join(' ')
}

interface Dataset {
  readonly columns?: Readonly<Record<string, string>>
}

/** In their order, which is a part of what makes two orders the same. */
const listOf = (pairs: readonly (readonly [string, unknown])[]): string | undefined =>
  pairs.length > 0 ? pairs.map(([name, value]) => `${name}=${value}`).join(',') : undefined
