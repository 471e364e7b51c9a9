import { readFileSync } from 'node:fs'
import { AppError, EXIT } from '../../base/errors.ts'
import type { ContentPart } from '../../client/chatRequest.ts'

/** Images that models take, by how the file begins. */
const SIGNATURES: readonly (readonly [type: string, begins: readonly number[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46]],
]

/** An image file as a part of a message. @throws AppError `file_unreadable`, `image_invalid` */
export function readImage(path: string): ContentPart {
  const bytes = readInputFile(path)
  const type = SIGNATURES.find(([, begins]) => begins.every((byte, i) => bytes[i] === byte))?.[0]
  if (type)
    return { type: 'image_url', image_url: { url: `data:${type};base64,${bytes.toString('base64')}` } }
  throw new AppError({
    code: 'image_invalid',
    message: `${path} is no PNG, JPEG, GIF or WebP`,
    hint: 'Nothing was sent',
    exitCode: EXIT.malformed,
  })
}

/** A JSON document of a file. @throws AppError `file_unreadable`, `json_invalid` */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readInputFile(path).toString('utf8'))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError({
      code: 'json_invalid',
      message: `${path} is not JSON`,
      hint: 'Nothing was sent',
      exitCode: EXIT.malformed,
    })
  }
}

/** @throws AppError `file_unreadable` */
export function readInputFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new AppError({
      code: 'file_unreadable',
      message: `Cannot read ${path}`,
      hint: 'Does the file exist, and is it yours?',
      exitCode: EXIT.usage,
      cause,
    })
  }
}
