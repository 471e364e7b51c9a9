import { createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../../base/errors.ts'
import { sendJson } from '../../server/respond.ts'
import type { TunableModel } from '../models.ts'
import type { FineTuningDesk } from './desk.ts'
import { zipOf } from './zip.ts'

/** The models that are offered, or one of them by name. */
export function serveModels(res: ServerResponse, name: string | null, desk: FineTuningDesk): void {
  const { models } = desk.shop
  sendJson(res, 200, name === null ? models.map(({ document }) => document) : modelNamed(name, desk).document)
}

/** The deployed network's zip about a model: here its description. */
export function serveModelDescription(res: ServerResponse, name: string, desk: FineTuningDesk): void {
  const { document } = modelNamed(name, desk)
  const text = `${document.description}\n\n${JSON.stringify(document, null, 2)}\n`
  const zip = zipOf([{ name: 'README.md', bytes: Buffer.from(text) }])
  res.writeHead(200, { 'content-type': 'application/zip', 'content-length': zip.length })
  res.end(zip)
}

/** A file that it takes to count tokens as the trainer does. */
export async function serveModelFile(
  res: ServerResponse,
  name: string,
  file: string,
  desk: FineTuningDesk,
): Promise<void> {
  const model = modelNamed(name, desk)
  const found = model.document.files?.find((candidate) => candidate.name === file)
  if (!found) throw fileUnknown(name)
  res.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': found.bytes,
    etag: `"${found.sha256}"`,
  })
  await pipeline(createReadStream(join(model.path, found.name)), res).catch(() => res.destroy())
}

function modelNamed(name: string, { shop }: FineTuningDesk): TunableModel {
  const model = shop.models.find((candidate) => candidate.name === name)
  if (model) return model
  throw new AppError({
    code: 'model_unknown',
    message: 'This provider does not have that base model',
    hint: `It has ${shop.models.map((candidate) => candidate.name).join(', ') || 'none'}`,
    next: '0g-compute finetune models',
    status: 404,
  })
}

const fileUnknown = (name: string): AppError =>
  new AppError({
    code: 'model_file_unknown',
    message: `${name} has no such file to share`,
    hint: 'GET /finetune/v1/model lists them',
    status: 404,
  })
