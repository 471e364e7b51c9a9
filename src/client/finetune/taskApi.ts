import type { AppError } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { TASK_READ_HEADER } from '../../protocol/finetune/signatures.ts'
import {
  type DatasetUploaded,
  TASK_STATES,
  type Task,
  type TaskEvent,
  type TaskRequest,
} from '../../protocol/finetune/task.ts'
import type { FineTuneModel } from '../../protocol/finetune/terms.ts'
import { readText } from '../brokerApi.ts'
import { brokerError, malformedAnswer } from '../brokerError.ts'
import type { HttpRequest, HttpResponse, Runtime } from '../runtime.ts'
import { linesOf } from './linesOf.ts'
import { type MultipartFile, multipart } from './multipart.ts'

const DOCUMENT_TIMEOUT_MS = 15_000
/** A stream of events says nothing for so long at most; the broker sends empty lines meanwhile. */
const SILENCE_MS = 60_000
/** As the deployed client: a minute, and half a minute for each started 10 MB. */
const UPLOAD_TIMEOUT_MS = 60_000
const UPLOAD_TIMEOUT_PER_10_MB_MS = 30_000

/** The fine-tuning part of one broker. Nothing of what it answers is believed here. @see client-wire.md 2.1 */
export class TaskApi {
  readonly #runtime: Runtime
  readonly #url: string

  /** @param url as registered on chain */
  constructor(runtime: Runtime, url: string) {
    this.#runtime = runtime
    this.#url = url.replace(/\/+$/, '')
  }

  async models(): Promise<FineTuneModel[]> {
    const path = '/v1/model'
    const models = parse(await readText(await this.#send('GET', path, { isPublic: true }), path))
    if (models === null) return []
    if (!Array.isArray(models)) throw malformedAnswer(path)
    return models.filter((model) => typeof model?.name === 'string' && typeof model.hash === 'string')
  }

  /** A file of a model's tokenizer. */
  modelFile(model: string, file: string): Promise<HttpResponse> {
    const path = `/v1/model/${encodeURIComponent(model)}/files/${encodeURIComponent(file)}`
    return this.#send('GET', path, { isPublic: true })
  }

  /** Tasks that wait. */
  async pending(): Promise<number> {
    const path = '/v1/task/pending'
    const text = (await readText(await this.#send('GET', path), path)).trim()
    if (!/^\d{1,9}$/.test(text)) throw malformedAnswer(path)
    return Number(text)
  }

  /** Sends a dataset. @param signature over `uploadDigest` */
  async upload(
    user: Address,
    file: MultipartFile,
    signature: Hex,
    timestamp: number,
  ): Promise<DatasetUploaded> {
    const path = `/v1/user/${user}/dataset`
    const { headers, stream } = multipart(file, { signature, timestamp: String(timestamp) })
    const timeout = UPLOAD_TIMEOUT_MS + Math.ceil(file.bytes / 10_000_000) * UPLOAD_TIMEOUT_PER_10_MB_MS
    const response = await this.#send('POST', path, { headers, stream, headersTimeoutMs: timeout })
    const answer = parse(await readText(response, path)) as DatasetUploaded | null
    if (typeof answer?.datasetHash !== 'string') throw malformedAnswer(path)
    return answer
  }

  /** @returns the task's id */
  async create(user: Address, request: TaskRequest): Promise<string> {
    const path = `/v1/user/${user}/task`
    const answer = (await this.#json(path, request)) as { id?: unknown } | null
    if (typeof answer?.id !== 'string' || !/^[0-9a-f-]{32,36}$/i.test(answer.id)) throw malformedAnswer(path)
    return answer.id
  }

  async list(user: Address): Promise<Task[]> {
    const path = `/v1/user/${user}/task`
    const tasks = await this.#json(path)
    if (tasks === null) return []
    if (!Array.isArray(tasks)) throw malformedAnswer(path)
    return tasks.map((task) => asTask(task, path))
  }

  async get(user: Address, id: string): Promise<Task> {
    const path = `/v1/user/${user}/task/${id}`
    return asTask(await this.#json(path), path)
  }

  async cancel(user: Address, id: string, signature: Hex): Promise<void> {
    const path = `/v1/user/${user}/task/${id}/cancel`
    await readText(await this.#send('POST', path, jsonBody({ signature })), path)
  }

  /** Events with numbers above `after`; with `follow` until the task is over or the connection ends. */
  async *events(
    user: Address,
    id: string,
    read: string,
    options: { readonly after: number; readonly follow: boolean; readonly signal?: AbortSignal },
  ): AsyncGenerator<TaskEvent> {
    const path = `/v1/user/${user}/task/${id}/events?after=${options.after}${options.follow ? '&follow=true' : ''}`
    const response = await this.#send('GET', path, {
      headers: { [TASK_READ_HEADER]: read },
      ...(options.signal && { signal: options.signal }),
    })
    for await (const line of linesOf(response.body)) {
      const event = parse(line) as TaskEvent | null
      if (Number.isSafeInteger(event?.seq) && typeof event?.event === 'string') yield event
    }
  }

  /** The log as it comes. @param read the header's value; the deployed network asks for none */
  async *log(
    user: Address,
    id: string,
    read: string,
    options: { readonly follow: boolean; readonly signal?: AbortSignal },
  ): AsyncGenerator<string> {
    const path = `/v1/user/${user}/task/${id}/log${options.follow ? '?follow=true' : ''}`
    const response = await this.#send('GET', path, {
      headers: { [TASK_READ_HEADER]: read },
      ...(options.signal && { signal: options.signal }),
    })
    const decoder = new TextDecoder()
    for await (const bytes of response.body) yield decoder.decode(bytes, { stream: true })
  }

  /** The sealed model from a byte on. @returns 206 when the broker goes on there, 200 when it begins anew */
  download(
    user: Address,
    id: string,
    body: { readonly signature: Hex; readonly timestamp: number },
    from: number,
    signal?: AbortSignal,
  ): Promise<HttpResponse> {
    const { headers, body: bytes } = jsonBody(body)
    return this.#send('POST', `/v1/user/${user}/task/${id}/lora`, {
      headers: { ...headers, ...(from > 0 && { range: `bytes=${from}-` }) },
      body: bytes,
      ...(signal && { signal }),
    })
  }

  async #json(path: string, body?: object): Promise<unknown> {
    const response = body ? await this.#send('POST', path, jsonBody(body)) : await this.#send('GET', path)
    const value = parse(await readText(response, path))
    if (value === undefined) throw malformedAnswer(path)
    return value
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    options: Partial<HttpRequest> = {},
  ): Promise<HttpResponse> {
    const response = await this.#runtime.request({
      method,
      url: this.#url + path,
      headersTimeoutMs: DOCUMENT_TIMEOUT_MS,
      bodyTimeoutMs: SILENCE_MS,
      ...options,
    })
    if (response.status >= 200 && response.status < 300) return response
    throw taskError(response.status, await readText(response, path))
  }
}

/** A broker's error: ours, or the deployed network's `{"error":"text"}`. */
function taskError(status: number, body: string): AppError {
  const { error } = (parse(body) ?? {}) as { error?: unknown }
  return brokerError(status, typeof error === 'string' ? JSON.stringify({ error: { message: error } }) : body)
}

function asTask(value: unknown, path: string): Task {
  const task = value as Task | null
  const isTask = typeof task?.id === 'string' && TASK_STATES.includes(task.progress)
  if (!isTask) throw malformedAnswer(path)
  return task
}

const jsonBody = (value: object) => ({
  headers: { 'content-type': 'application/json' },
  body: new TextEncoder().encode(JSON.stringify(value)),
})

/** @returns undefined for what is no JSON */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
