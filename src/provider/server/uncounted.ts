import type { InferenceRequest } from './inferenceRequest.ts'

/** What a tokenizer is given. */
const COUNTED = new Set(['model', 'messages', 'tools', 'prompt', 'input'])
/** What no template shows a model. */
const UNSEEN = new Set(['stop', 'stream_options', 'tool_choice', 'logit_bias', 'user', 'encoding_format'])

/** What stands in other fields, documents among them, may be shown to the model too. */
export const uncountedBytes = (body: InferenceRequest['body']): number =>
  Object.entries(body)
    .filter(([name, value]) => !COUNTED.has(name) && !UNSEEN.has(name) && canSay(value))
    .reduce((sum, [, value]) => sum + Buffer.byteLength(JSON.stringify(value)), 0)

const canSay = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'object' && value !== null)
