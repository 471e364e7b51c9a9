/** JSON Schema 2020-12, or a part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>

/** What can go wrong, by status: the words are the same everywhere. */
const FAILURES: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, or a field of it is wrong',
  401: 'No key, or one that is not good here',
  402: 'Not enough money, or more than the caller allows',
  403: 'Not yours',
  404: 'There is no such thing',
  405: 'Another method is meant',
  408: 'It came too slowly',
  409: 'Something changed meanwhile: look again',
  410: 'It is no longer there',
  413: 'Too large',
  415: 'Another form is meant',
  416: 'The range does not lie in it',
  422: 'The idempotency key belongs to another request',
  429: 'Too many; Retry-After says when',
  500: 'A fault of this server',
  502: 'The engine, or the provider, failed',
  503: 'Not now; Retry-After says when',
  504: 'The engine did not answer in time',
}

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

export const json = (schema: Json, description: string, headers?: Json): Json => ({
  description,
  ...(headers && { headers }),
  content: { 'application/json': { schema } },
})

/** An answer that comes whole, or as server-sent events where `stream` is true. */
export const streamed = (schema: Json, description: string, headers?: Json): Json => ({
  description,
  ...(headers && { headers }),
  content: { 'application/json': { schema }, 'text/event-stream': {} },
})

/** Errors in OpenAI's shape. */
export const failures = (...statuses: readonly number[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, json(ref('Error'), FAILURES[status]!)]))

export const body = (schema: Json): Json => ({
  required: true,
  content: { 'application/json': { schema } },
})

/** With a file in it. */
export const formBody = (schema: Json): Json => ({
  required: true,
  content: { 'multipart/form-data': { schema } },
})

export const string: Json = { type: 'string' }
export const integer: Json = { type: 'integer' }
/** Neuron: 1e-18 0G, as a decimal string. */
export const neuron: Json = { type: 'string', pattern: '^[0-9]{1,30}$' }
/** Of an account. */
export const address: Json = { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$' }
export const header = (description: string, schema: Json = string): Json => ({ description, schema })

export const object = (properties: Json, required: readonly string[] = Object.keys(properties)): Json => ({
  type: 'object',
  properties,
  required,
})
export const list = (items: Json): Json => ({ type: 'array', items })
