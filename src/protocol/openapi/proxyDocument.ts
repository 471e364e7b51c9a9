import { body, failures, formBody, header, type Json, json, object, ref, streamed, string } from './parts.ts'
import { SCHEMAS, STREAM } from './schemas.ts'

const HEADERS = {
  'x-0g-provider': header('who answered'),
  'x-0g-max-cost': header('the most that it could cost, neuron'),
  'x-0g-verdict': header('accepted or incomplete; at the end of a stream, as a trailer'),
  'x-0g-receipt': header('the id that its receipt is kept under; at the end of a stream, as a trailer'),
  'x-0g-fee': header('neuron, by the receipt; at the end of a stream, as a trailer'),
}

const LEFT_OUT = {
  'x-0g-left-out': header('fields and kinds of tools of the request that a translated answer does without'),
}

/** `GET /openapi.json` of the local proxy. */
export const proxyDocument = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: '0g-compute proxy',
    version: '1',
    description:
      "OpenAI's API on this machine. Each answer is bought on the 0G Compute Network, paid for and verified; one that contradicts its proof is an error.",
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{ token: [] }],
  paths: {
    '/v1/chat/completions': { post: answered('createChatCompletion', 'Chat', true) },
    '/v1/completions': { post: answered('createCompletion', 'Completion', true) },
    '/v1/embeddings': { post: answered('createEmbedding', 'Embedding', false) },
    '/v1/images/generations': { post: answered('createImage', 'Image', false) },
    '/v1/images/edits': { post: uploaded('createImageEdit', 'ImageEdit', 'ImageAnswer') },
    '/v1/audio/transcriptions': {
      post: uploaded('createTranscription', 'TranscriptionRequest', 'Transcription'),
    },
    '/v1/responses': {
      post: dialect(
        'createResponse',
        "OpenAI's Responses, translated to chat completions",
        'ResponseRequest',
      ),
    },
    '/v1/messages': {
      post: dialect(
        'createMessage',
        "Anthropic's Messages, translated to chat completions where engines have none",
        'MessageRequest',
      ),
    },
    '/v1/models': {
      get: {
        operationId: 'listModels',
        summary:
          'Models of all providers, with the cheapest price of each, neuron per token, image or second',
        responses: { 200: json(ref('Models'), 'The models'), ...failures(401, 403, 502, 503) },
      },
    },
    '/healthz': { get: open('getHealth', 'It runs', object({ status: string })) },
    '/openapi.json': { get: open('getOpenApi', 'This document', { type: 'object' }) },
  },
  components: {
    schemas: { ...SCHEMAS, ResponseRequest: RESPONSE_REQUEST },
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer', description: '0g-compute proxy --show-token' },
    },
  },
})

const RESPONSE_REQUEST: Json = {
  ...object({ model: string, input: string, stream: STREAM }, ['input']),
  example: { model: 'demo', input: 'Once upon a time', max_output_tokens: 8 },
}

const STATUSES = [400, 401, 402, 403, 404, 405, 409, 413, 429, 502, 503, 504] as const

function answered(operationId: string, kind: string, streams: boolean): Json {
  const make = streams ? streamed : json
  return {
    operationId,
    summary: 'One answer, paid for and verified',
    requestBody: body(ref(`${kind}Request`)),
    responses: { 200: make(ref(`${kind}Answer`), 'The answer', HEADERS), ...failures(...STATUSES) },
  }
}

/** A form with a file. */
function uploaded(operationId: string, request: string, answer: string): Json {
  return {
    operationId,
    summary: 'One answer, paid for and verified',
    requestBody: formBody(ref(request)),
    responses: { 200: json(ref(answer), 'The answer', HEADERS), ...failures(...STATUSES) },
  }
}

function dialect(operationId: string, name: string, request: string): Json {
  const failed = {
    description: 'As that API says it',
    content: { 'application/json': { schema: { type: 'object' } } },
  }
  return {
    operationId,
    summary: name,
    requestBody: body(ref(request)),
    responses: {
      200: streamed({ type: 'object' }, 'The answer', { ...HEADERS, ...LEFT_OUT }),
      ...Object.fromEntries(STATUSES.map((status) => [status, failed])),
    },
  }
}

function open(operationId: string, summary: string, schema: Json): Json {
  return { operationId, summary, security: [], responses: { 200: json(schema, summary) } }
}
