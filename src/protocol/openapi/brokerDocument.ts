import { HEADER } from '../headers.ts'
import { FINE_TUNING_PATHS, FINE_TUNING_SCHEMAS } from './fineTuningPaths.ts'
import {
  address,
  body,
  failures,
  formBody,
  header,
  integer,
  type Json,
  json,
  list,
  neuron,
  object,
  ref,
  streamed,
  string,
} from './parts.ts'
import { SCHEMAS } from './schemas.ts'

const ANSWER_HEADERS = {
  [HEADER.responseKey]: header('id of the answer: its proof is at /v1/proxy/signature/{id}'),
  [HEADER.provider]: header("the provider's address"),
}

const REQUEST_HEADERS = [
  optionalHeader(
    HEADER.maxPrice,
    'refuse a higher price: input=<neuron>,output=<neuron>, or image=<neuron>, or second=<neuron>',
    '^(input=[0-9]{1,30},output|image|second)=[0-9]{1,30}$',
  ),
  optionalHeader(
    HEADER.idempotencyKey,
    'a retry with the same key joins the running answer, and is charged once',
    '^[!-~]{1,255}$',
  ),
  optionalHeader(
    HEADER.voucher,
    'to a provider without a TEE, what the payer signed in all: v1,<neuron>,<signature>; others do not read it',
  ),
]

const USER: Json = {
  name: 'address',
  in: 'path',
  required: true,
  schema: address,
}

/**
 * `GET /openapi.json` of the broker. Paths below `/v1/proxy` are also served below `/v1/proxy/v1`.
 * @param tunes whether it fine-tunes too
 */
export const brokerDocument = (tunes = false): Json => ({
  openapi: '3.1.0',
  info: {
    title: '0g-compute broker',
    version: '1',
    description:
      'A provider of the 0G Compute Network: OpenAI-compatible inference, paid by the answer, with a proof for each. docs/PROTOCOL.md has the wire format.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [],
  paths: { ...INFERENCE, ...PROOFS, ...USERS, ...DOCUMENTS, ...(tunes && FINE_TUNING_PATHS) },
  components: {
    schemas: {
      ...SCHEMAS,
      ...named('ImageEdit'),
      ...named('TranscriptionRequest'),
      Proof: PROOF,
      Receipts: RECEIPTS,
      ...(tunes && FINE_TUNING_SCHEMAS),
    },
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'app-sk-…, signed by the wallet that pays' },
    },
  },
})

const INFERENCE: Json = {
  '/v1/proxy/chat/completions': { post: inference('createChatCompletion', 'Chat', true) },
  '/v1/proxy/completions': { post: inference('createCompletion', 'Completion', true) },
  '/v1/proxy/embeddings': { post: inference('createEmbedding', 'Embedding', false) },
  '/v1/proxy/messages': { post: inference('createMessage', 'Message', true) },
  '/v1/proxy/images/generations': { post: inference('createImage', 'Image', false) },
  '/v1/proxy/images/edits': { post: form('createImageEdit', 'ImageEdit', 'ImageAnswer') },
  '/v1/proxy/audio/transcriptions': {
    post: form('createTranscription', 'TranscriptionRequest', 'Transcription'),
  },
  '/v1/proxy/models': { get: document('listModels', 'Models and prices, neuron per token', ref('Models')) },
}

const PROOF = object(
  {
    text: { type: 'string', description: 'sha256 of the request, a colon, sha256 of the answer' },
    signature: string,
    signing_address: string,
    signing_algo: string,
    receipt: { type: 'object', description: 'for its user alone' },
  },
  ['text', 'signature', 'signing_address', 'signing_algo'],
)

const PROOFS: Json = {
  '/v1/proxy/signature/{id}': {
    get: {
      operationId: 'getProof',
      summary: 'The proof of an answer, for anyone; with its receipt for its user',
      security: [{}, { key: [] }],
      parameters: [
        {
          name: 'id',
          in: 'path',
          required: true,
          schema: { type: 'string', pattern: '^(chatcmpl-|cmpl-)?[0-9a-f]{32}$' },
        },
      ],
      responses: { 200: json(ref('Proof'), 'The proof'), ...failures(401, 404, 429, 503) },
    },
  },
}

const RECEIPTS = object({ receipts: list({ type: 'object' }), next: { type: ['integer', 'null'] } })
const KEYS = object({ id: string, spent: neuron, renewsAt: { type: ['string', 'null'] } })

const USERS: Json = {
  '/v1/user/{address}/unsettledfee': {
    get: {
      operationId: 'getUnsettledFee',
      summary: 'What is owed and not settled, neuron',
      security: [{ key: [] }],
      parameters: [USER],
      responses: {
        200: json(object({ unsettledFee: neuron }), 'Neuron'),
        ...failures(401, 403, 404, 429, 503),
      },
    },
  },
  '/v1/user/{address}/keys': {
    get: {
      operationId: 'listKeySpending',
      summary: 'What each key of the caller that carries a limit has spent',
      security: [{ key: [] }],
      parameters: [USER],
      responses: {
        200: json(object({ keys: list(KEYS) }), 'Those that were used'),
        ...failures(401, 403, 404, 429, 503),
      },
    },
  },
  '/v1/user/{address}/receipts': {
    get: {
      operationId: 'listReceipts',
      summary: 'Receipts of the caller, oldest first',
      security: [{ key: [] }],
      parameters: [USER, query('after', 0, 'numbers above this one'), query('limit', 1, 'at most so many')],
      responses: { 200: json(ref('Receipts'), 'A page'), ...failures(400, 401, 403, 404, 429, 503) },
    },
  },
}

const DOCUMENTS: Json = {
  '/v1/models': { get: document('listModelsOfProvider', 'The same list', ref('Models')) },
  '/v1/quote': {
    get: {
      operationId: 'getQuote',
      summary: 'Evidence of the enclave, bound to the nonce where one is given',
      parameters: [{ name: 'nonce', in: 'query', schema: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' } }],
      responses: { 200: json({ type: 'object' }, 'A quote'), ...failures(400, 404, 429, 503) },
    },
  },
  '/v1/capabilities': {
    get: document('getCapabilities', 'What this broker can do; its hash is in the quote', { type: 'object' }),
  },
  '/v1/e2ee/pubkey': {
    get: document('getEncryptionKey', 'The key that requests are sealed to', { type: 'object' }, 503),
  },
  '/healthz': { get: document('getHealth', 'It runs', object({ status: string })) },
  '/readyz': {
    get: {
      operationId: 'getReadiness',
      summary: 'Whether it should get requests now',
      responses: {
        200: json(object({ ready: { const: true }, reasons: list(string) }), 'Yes'),
        503: json(object({ ready: { const: false }, reasons: list(string) }), 'No, and why'),
      },
    },
  },
  '/openapi.json': { get: document('getOpenApi', 'This document', { type: 'object' }) },
}

function inference(operationId: string, kind: string, streams: boolean): Json {
  const answer = ref(`${kind}Answer`)
  return {
    operationId,
    summary: 'One answer, charged when it has ended',
    security: [{ key: [] }],
    parameters: REQUEST_HEADERS,
    requestBody: body(ref(`${kind}Request`)),
    responses: {
      200: streams
        ? streamed(answer, 'The answer', ANSWER_HEADERS)
        : json(answer, 'The answer', ANSWER_HEADERS),
      ...failures(400, 401, 402, 403, 404, 409, 413, 422, 429, 502, 503, 504),
    },
  }
}

/** No model is put into a form that names none. */
function named(form: string): Json {
  const schema = SCHEMAS[form] as { readonly required: readonly string[] }
  return { [form]: { ...schema, required: ['model', ...schema.required] } }
}

/** A form; it reaches the engine byte for byte. */
function form(operationId: string, request: string, answer: string): Json {
  return {
    ...inference(operationId, 'Image', false),
    requestBody: formBody(ref(request)),
    responses: {
      200: json(ref(answer), 'The answer', ANSWER_HEADERS),
      ...failures(400, 401, 402, 403, 404, 409, 413, 422, 429, 502, 503, 504),
    },
  }
}

function document(operationId: string, summary: string, schema: Json, ...statuses: readonly number[]): Json {
  return { operationId, summary, responses: { 200: json(schema, summary), ...failures(...statuses) } }
}

function query(name: string, minimum: number, description: string): Json {
  return { name, in: 'query', description, schema: { ...integer, minimum, maximum: 999_999_999_999_999 } }
}

function optionalHeader(name: string, description: string, pattern?: string): Json {
  return { name, in: 'header', description, schema: { ...string, ...(pattern && { pattern }) } }
}
