import type { Address } from '../../../base/hex.ts'
import { checksummed } from '../../../protocol/checksummed.ts'
import { FINE_TUNING_PREFIX } from './isFineTuning.ts'

interface OfTask {
  readonly user: Address
  readonly id: string
}

export type FineTuningRoute =
  | { readonly name: 'quote' | 'capabilities' | 'models' | 'pending' }
  | { readonly name: 'model' | 'modelDescription'; readonly model: string }
  | { readonly name: 'modelFile'; readonly model: string; readonly file: string }
  | { readonly name: 'createTask'; readonly user: Address }
  | { readonly name: 'uploadDataset'; readonly user: Address }
  | { readonly name: 'tasks'; readonly user: Address; readonly latest: boolean }
  | ({ readonly name: 'task' | 'cancel' | 'download' } & OfTask)
  | ({ readonly name: 'log'; readonly follow: boolean } & OfTask)
  | ({ readonly name: 'events'; readonly after: number; readonly follow: boolean } & OfTask)

const UUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
const USER = /^\/v1\/user\/(0x[0-9a-fA-F]{40})\/(task|dataset)$/
const TASK = new RegExp(`^/v1/user/(0x[0-9a-fA-F]{40})/task/(${UUID})(?:/(cancel|log|lora|events))?$`)
const MODEL = /^\/v1\/model\/(desc\/)?([^/]{1,300})(?:\/files\/([\w.-]{1,100}))?$/
const PLAIN: Readonly<Record<string, FineTuningRoute>> = {
  '/v1/quote': { name: 'quote' },
  '/v1/capabilities': { name: 'capabilities' },
  '/v1/model': { name: 'models' },
  '/v1/task/pending': { name: 'pending' },
}

/** The route of a request, with the method that it takes; null where there is none. @param target with the prefix */
export function fineTuningRoute(
  method: string,
  target: string,
): { readonly route: FineTuningRoute; readonly method: 'GET' | 'POST' } | null {
  const [whole = '', text = ''] = target.split('?', 2)
  const path = whole.slice(FINE_TUNING_PREFIX.length)
  const query = new URLSearchParams(text)
  const plain = Object.hasOwn(PLAIN, path) ? PLAIN[path] : undefined
  if (plain) return { route: plain, method: 'GET' }
  return ofUser(path, method, query) ?? ofTask(path, query) ?? ofModel(path)
}

function ofUser(path: string, method: string, query: URLSearchParams): ReturnType<typeof fineTuningRoute> {
  const match = USER.exec(path)
  if (!match) return null
  const user = checksummed(match[1]!)
  if (match[2] === 'dataset') return { route: { name: 'uploadDataset', user }, method: 'POST' }
  if (method === 'POST') return { route: { name: 'createTask', user }, method }
  return { route: { name: 'tasks', user, latest: query.get('latest') === 'true' }, method: 'GET' }
}

function ofTask(path: string, query: URLSearchParams): ReturnType<typeof fineTuningRoute> {
  const match = TASK.exec(path)
  if (!match) return null
  const [, user, id, what] = match as unknown as [string, string, string, string | undefined]
  const of = { user: checksummed(user), id: id.toLowerCase() }
  if (what === undefined) return { route: { name: 'task', ...of }, method: 'GET' }
  const follow = query.get('follow') === 'true'
  if (what === 'log') return { route: { name: 'log', follow, ...of }, method: 'GET' }
  if (what === 'events') {
    const after = Number(query.get('after') ?? 0)
    const isWhole = Number.isSafeInteger(after) && after >= 0
    return { route: { name: 'events', after: isWhole ? after : 0, follow, ...of }, method: 'GET' }
  }
  return { route: { name: what === 'cancel' ? 'cancel' : 'download', ...of }, method: 'POST' }
}

function ofModel(path: string): ReturnType<typeof fineTuningRoute> {
  const match = MODEL.exec(path)
  if (!match) return null
  const [, description, encoded, file] = match
  let model: string
  try {
    model = decodeURIComponent(encoded!)
  } catch {
    return null
  }
  if (description && file === undefined) return { route: { name: 'modelDescription', model }, method: 'GET' }
  if (description) return null
  if (file === undefined) return { route: { name: 'model', model }, method: 'GET' }
  return { route: { name: 'modelFile', model, file }, method: 'GET' }
}
