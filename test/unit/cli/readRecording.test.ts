import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AppError } from '../../../src/base/errors.ts'
import { readRecording } from '../../../src/cli/framework/readRecording.ts'
import { MAX_RECORDING_BYTES, recordingFile } from '../../../src/client/media/recording.ts'
import { silence, wav } from '../../support/recording.ts'

let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-recording-'))
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

function fileOf(bytes: Buffer): string {
  const path = join(dir, 'file')
  writeFileSync(path, bytes)
  return path
}

it('reads a recording, whatever it is called, and says what it is', async () => {
  const bytes = silence(1)
  expect(Buffer.from(await readRecording(fileOf(bytes)))).toEqual(bytes)
  expect(recordingFile(bytes)).toMatchObject({ name: 'recording.wav', type: 'audio/wav' })
  expect(recordingFile(wav({ bytes: MAX_RECORDING_BYTES - 44 })).bytes).toHaveLength(MAX_RECORDING_BYTES)
})

it.each([
  ['a folder', () => dir, 'file_unreadable', 2],
  ['nothing', () => fileOf(Buffer.alloc(0)), 'recording_empty', 30],
  ['text', () => fileOf(Buffer.from('not a sound')), 'recording_format_unknown', 30],
  ['too much', () => fileOf(wav({ bytes: MAX_RECORDING_BYTES })), 'recording_too_large', 30],
])('refuses %s', async (_name, path, code, exitCode) => {
  const error: AppError = await readRecording(path()).catch((thrown) => thrown)
  expect(error).toMatchObject({ code, exitCode })
  // Whatever the recording is called, the file that is advised to be made is another.
  const [, from, to] = /ffmpeg -i (\w+) .*?(\S+)$/.exec(error.hint ?? '') ?? []
  if (code.endsWith('unknown') || code.endsWith('large')) expect(to).toBe(`${from}.mp3`)
})
