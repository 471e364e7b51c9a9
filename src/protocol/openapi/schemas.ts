import { integer, type Json, list, neuron, object, ref, string } from './parts.ts'

const POSITIVE = { type: 'integer', minimum: 1, maximum: 9_007_199_254_740_991 }
const OPTIONAL_COUNT = { ...POSITIVE, type: ['integer', 'null'] }
/** Whether the answer comes as server-sent events. */
export const STREAM: Json = { type: ['boolean', 'null'] }
const FILE = { type: 'string', contentMediaType: 'application/octet-stream' }
const USAGE = object({ prompt_tokens: integer, completion_tokens: integer, total_tokens: integer }, [
  'prompt_tokens',
])

const limits = {
  max_tokens: OPTIONAL_COUNT,
  stream: STREAM,
  stream_options: { type: 'object' },
}

/**
 * Shapes of OpenAI that broker and proxy have in common. Fields that are not listed go to the engine as they are; where
 * no model is named, one is chosen.
 */
export const SCHEMAS: Json = {
  Error: object({
    error: object(
      {
        message: string,
        type: string,
        param: { type: ['string', 'null'] },
        code: { type: 'string', description: 'stable; docs/ERRORS.md lists them' },
        hint: string,
        next: { type: 'string', description: 'the command that helps' },
        retryable: { type: 'boolean' },
        details: { type: 'object' },
      },
      ['message', 'type', 'code'],
    ),
  }),
  ChatRequest: {
    ...object(
      {
        model: string,
        messages: { ...list(ref('Message')), minItems: 1 },
        max_completion_tokens: OPTIONAL_COUNT,
        ...limits,
      },
      ['messages'],
    ),
    example: { model: 'demo', messages: [{ role: 'user', content: 'Once upon a time' }], max_tokens: 8 },
  },
  Message: object({ role: string, content: {} }, ['role']),
  CompletionRequest: {
    ...object({ model: string, prompt: string, ...limits }, ['prompt']),
    example: { model: 'demo', prompt: 'Once upon a time', max_tokens: 8 },
  },
  EmbeddingRequest: {
    ...object(
      { model: string, input: { anyOf: [string, list(string), list(integer), list(list(integer))] } },
      ['input'],
    ),
    example: { model: 'demo', input: 'Once upon a time' },
  },
  MessageRequest: {
    ...object(
      {
        model: string,
        messages: { ...list({ type: 'object' }), minItems: 1 },
        max_tokens: OPTIONAL_COUNT,
        stream: STREAM,
      },
      ['messages'],
    ),
    example: { model: 'demo', max_tokens: 8, messages: [{ role: 'user', content: 'Once upon a time' }] },
  },
  MessageAnswer: object({ content: list({ type: 'object' }), usage: { type: 'object' } }, ['content']),
  ImageRequest: object({ model: string, prompt: string, n: { ...OPTIONAL_COUNT, maximum: 10 } }, ['prompt']),
  ImageEdit: object({ model: string, prompt: string, image: FILE }, ['image']),
  TranscriptionRequest: object({ model: string, file: FILE, language: string, prompt: string }, ['file']),
  ImageAnswer: object({ data: list({ type: 'object' }) }),
  Transcription: object({ text: string }),
  ChatAnswer: object({ id: string, choices: list({ type: 'object' }), usage: USAGE }, ['id', 'choices']),
  CompletionAnswer: object({ id: string, choices: list({ type: 'object' }), usage: USAGE }, ['choices']),
  EmbeddingAnswer: object({ data: list({ type: 'object' }), usage: USAGE }, ['data']),
  Models: object({ object: { const: 'list' }, data: list(ref('Model')) }),
  Model: object(
    {
      id: string,
      object: { const: 'model' },
      created: integer,
      owned_by: string,
      context_length: { type: ['integer', 'null'] },
      pricing: object({ prompt: neuron, completion: neuron }),
    },
    ['id', 'object', 'pricing'],
  ),
}
