import { AppError } from '../../base/errors.ts'
import { audioSeconds } from '../../protocol/audio/index.ts'
import { readMultipart } from '../../protocol/multipart.ts'
import type { Counts } from '../../protocol/pricing.ts'
import type { EngineModel } from '../engine/engine.ts'
import { countField, findModel, type InferenceRequest, invalidBody } from './inferenceRequest.ts'
import type { FormKind, MediaKind } from './route.ts'

/** Most images of one request, as OpenAI's API has it. */
const MAX_IMAGES = 10

/**
 * Checks the JSON of `/images/generations`.
 * @throws AppError `body_invalid` (400), `model_not_found` (404)
 */
export function readImageRequest(
  raw: Buffer,
  body: Record<string, unknown>,
  models: readonly EngineModel[],
): InferenceRequest {
  const model = findModel(body.model, 'images/generations', models)
  if (body.stream) throw noStream()
  const most = { image: imagesAsked(countField(body, 'n') ?? 1) }
  const named = { ...body, model: model.id }
  const forward = body.model === model.id ? raw : Buffer.from(JSON.stringify(named))
  return media('images/generations', model, most, forward, 'application/json')
}

/**
 * Checks a form of `/images/edits` or `/audio/transcriptions`. It goes to the engine byte for byte.
 * @throws AppError `form_invalid`, `body_invalid` (400), `model_not_found` (404)
 */
export async function readForm(
  kind: FormKind,
  raw: Buffer,
  contentType: string,
  models: readonly EngineModel[],
): Promise<InferenceRequest> {
  const form = await readMultipart(raw, contentType)
  if (!form) throw invalidForm()
  const name = textField(form, 'model')
  if (name === undefined) throw invalidBody('"model" is missing')
  const model = findModel(name, kind, models)
  if (!['false', '', undefined].includes(textField(form, 'stream'))) throw noStream()
  if (kind === 'images/edits') {
    return media(kind, model, { image: imagesAsked(Number(textField(form, 'n') ?? 1)) }, raw, contentType)
  }
  const audio = audioSeconds(new Uint8Array(await fileField(form).arrayBuffer()))
  return { ...media(kind, model, { second: audio.most }, raw, contentType), isExact: audio.isExact }
}

const media = (
  kind: MediaKind,
  model: EngineModel,
  most: Counts,
  forward: Buffer,
  contentType: string,
): InferenceRequest => ({
  kind,
  model,
  stream: false,
  maxOutputTokens: 0,
  choices: 1,
  most,
  body: { model: model.id },
  forward,
  bodyBytes: forward.length,
  contentType,
})

/** A field that stands there twice could mean one thing here and another to the engine. */
function textField(form: FormData, name: string): string | undefined {
  const values = form.getAll(name)
  if (values.length > 1 || typeof (values[0] ?? '') !== 'string')
    throw invalidBody(`"${name}" is not one text`)
  return values[0] as string | undefined
}

function fileField(form: FormData): File {
  const files = form.getAll('file')
  if (files.length === 1 && files[0] instanceof File) return files[0]
  throw invalidBody('"file" is not one file')
}

function imagesAsked(n: number): number {
  if (Number.isSafeInteger(n) && n >= 1 && n <= MAX_IMAGES) return n
  throw invalidBody(`"n" is not a number from 1 to ${MAX_IMAGES}`)
}

const noStream = (): AppError => invalidBody('"stream" is for answers of text')

const invalidForm = (): AppError =>
  new AppError({
    code: 'form_invalid',
    message: 'The request body is no multipart/form-data that can be read',
    hint: 'Send the file as a form, as clients of OpenAI do. Nothing was charged',
    status: 400,
  })
