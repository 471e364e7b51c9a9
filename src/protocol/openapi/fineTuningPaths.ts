import { TASK_READ_HEADER } from '../finetune/signatures.ts'
import { TASK_STATES } from '../finetune/task.ts'
import {
  address,
  body,
  failures,
  formBody,
  integer,
  type Json,
  json,
  list,
  neuron,
  object,
  ref,
  string,
} from './parts.ts'

const HASH: Json = { type: 'string', pattern: '^0x[0-9a-fA-F]{64}$' }
const SIGNATURE: Json = { type: 'string', pattern: '^0x[0-9a-fA-F]{130}$' }

const USER: Json = { name: 'address', in: 'path', required: true, schema: address }
const TASK: Json = { name: 'task', in: 'path', required: true, schema: { ...string, format: 'uuid' } }
const MODEL: Json = {
  name: 'model',
  in: 'path',
  required: true,
  description: 'its name or its hash',
  schema: { ...string, minLength: 1, maxLength: 300 },
}
const READ: Json = {
  name: TASK_READ_HEADER,
  in: 'header',
  description: 'unix seconds, a colon, and the signature of the owner over the task and that time',
  schema: string,
}
const FOLLOW: Json = {
  name: 'follow',
  in: 'query',
  description: 'goes on until the task is over',
  schema: { type: 'boolean' },
}

const TEXT = (description: string, type = 'text/plain'): Json => ({ description, content: { [type]: {} } })

/** What a provider of fine-tuning answers beside inference. @see client-wire.md section 2 */
export const FINE_TUNING_PATHS: Json = {
  '/finetune/v1/model': {
    get: get('listTunableModels', 'Models that can be fine-tuned, and for what', list({ type: 'object' })),
  },
  '/finetune/v1/model/{model}': {
    get: get('getTunableModel', 'One of them', { type: 'object' }, [MODEL], 404),
  },
  '/finetune/v1/capabilities': {
    get: get('getFineTuningCapabilities', 'Prices, methods, limits and windows', { type: 'object' }),
  },
  '/finetune/v1/task/pending': {
    get: {
      operationId: 'countPendingTasks',
      summary: 'Tasks before yours',
      responses: { 200: TEXT('A number') },
    },
  },
  '/finetune/v1/user/{address}/dataset': {
    post: {
      operationId: 'uploadDataset',
      summary: 'Takes a dataset, sealed or not, of a customer',
      parameters: [USER],
      requestBody: formBody(
        object({ file: { ...string, format: 'binary' }, signature: SIGNATURE, timestamp: integer }),
      ),
      responses: {
        200: json(object({ datasetHash: HASH, message: string }), 'Its root'),
        ...failures(400, 401, 402, 408, 413, 429, 503),
      },
    },
  },
  '/finetune/v1/user/{address}/task': {
    get: get('listTasks', 'Tasks of a user, newest first', list(ref('Task')), [
      USER,
      { name: 'latest', in: 'query', schema: { type: 'boolean' } },
    ]),
    post: {
      operationId: 'createTask',
      summary: 'Takes an order; the same order sent again is the same task',
      parameters: [USER],
      requestBody: body(ref('TaskRequest')),
      responses: {
        200: json(object({ id: string }), 'It was there already'),
        201: json(object({ id: string }), 'It is queued'),
        ...failures(400, 401, 402, 404, 409, 413, 429, 503),
      },
    },
  },
  '/finetune/v1/user/{address}/task/{task}': {
    get: get('getTask', 'Where a task stands', ref('Task'), [USER, TASK], 404),
  },
  '/finetune/v1/user/{address}/task/{task}/log': {
    get: {
      operationId: 'getTaskLog',
      summary: 'Its log: for its owner whole, for others its states',
      parameters: [USER, TASK, READ, FOLLOW],
      responses: { 200: TEXT('A line for each event'), ...failures(401, 404) },
    },
  },
  '/finetune/v1/user/{address}/task/{task}/events': {
    get: {
      operationId: 'getTaskEvents',
      summary: 'Its events, for its owner',
      parameters: [
        USER,
        TASK,
        READ,
        FOLLOW,
        { name: 'after', in: 'query', schema: { ...integer, minimum: 0 } },
      ],
      responses: { 200: TEXT('An object for each event', 'application/x-ndjson'), ...failures(401, 404) },
    },
  },
  '/finetune/v1/user/{address}/task/{task}/cancel': {
    post: {
      operationId: 'cancelTask',
      summary: 'Before training has begun, for nothing',
      parameters: [USER, TASK],
      requestBody: body(object({ signature: SIGNATURE })),
      responses: { 200: TEXT('Cancelled'), ...failures(400, 401, 404, 409, 413) },
    },
  },
  '/finetune/v1/user/{address}/task/{task}/lora': {
    post: {
      operationId: 'downloadArtifact',
      summary: 'The sealed model, for its owner',
      parameters: [USER, TASK],
      requestBody: body(object({ signature: SIGNATURE, timestamp: integer })),
      responses: {
        200: TEXT('Sealed bytes', 'application/octet-stream'),
        206: TEXT('A part of them', 'application/octet-stream'),
        ...failures(400, 401, 404, 409, 410, 413, 416),
      },
    },
  },
}

export const FINE_TUNING_SCHEMAS: Json = {
  TaskRequest: object(
    {
      userAddress: address,
      datasetHash: HASH,
      trainingParams: { ...string, description: 'JSON text of the parameters' },
      preTrainedModelHash: { ...HASH, description: 'all zero for training from scratch' },
      fee: neuron,
      nonce: { ...string, pattern: '^[0-9]{1,34}$' },
      signature: SIGNATURE,
      wait: { type: 'boolean', description: 'whether to queue behind other tasks' },
      spec: { ...string, description: 'what the order is for, in canonical form' },
      order: { type: 'object', description: 'TaskOrder: the fee goes into escrow by it' },
      orderSignature: SIGNATURE,
    },
    ['userAddress', 'datasetHash', 'trainingParams', 'preTrainedModelHash', 'nonce', 'signature'],
  ),
  Task: object(
    {
      id: { ...string, format: 'uuid' },
      userAddress: address,
      fee: neuron,
      progress: { enum: [...TASK_STATES] },
      deliverTime: { ...string, description: 'unix seconds, 0 before' },
      tokens: integer,
      metrics: { type: 'object' },
      artifact: { type: 'object' },
      deadlines: { type: 'object' },
      failure: object({ code: string, reason: string }),
    },
    ['id', 'userAddress', 'fee', 'progress'],
  ),
}

function get(
  operationId: string,
  summary: string,
  schema: Json,
  parameters: readonly Json[] = [],
  ...statuses: readonly number[]
): Json {
  return {
    operationId,
    summary,
    ...(parameters.length > 0 && { parameters }),
    responses: { 200: json(schema, summary), ...failures(...statuses) },
  }
}
