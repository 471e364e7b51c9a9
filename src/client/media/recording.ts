import { AppError, EXIT } from '../../base/errors.ts'
import { AUDIO_FORMATS, type AudioFormat, audioFormat } from '../../protocol/audio/index.ts'
import type { FormFile } from './form.ts'

/** Largest recording, bytes: what OpenAI's API takes. */
export const MAX_RECORDING_BYTES = 25 * 1024 * 1024

const MEDIA_TYPES: Readonly<Record<AudioFormat, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  mp4: 'audio/mp4',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  webm: 'audio/webm',
}

/**
 * A recording as a file of a form. Its name says its format, for servers that go by that, and nothing of its owner.
 * @throws AppError `recording_empty`, `recording_too_large`, `recording_format_unknown`
 */
export function recordingFile(bytes: Uint8Array): FormFile {
  if (bytes.length === 0) throw recordingEmpty()
  if (bytes.length > MAX_RECORDING_BYTES) throw recordingTooLarge(bytes.length)
  const format = audioFormat(bytes)
  if (format === null) throw formatUnknown()
  return { name: `recording.${format}`, type: MEDIA_TYPES[format], bytes }
}

const recordingEmpty = (): AppError =>
  new AppError({
    code: 'recording_empty',
    message: 'The recording is empty',
    hint: 'Nothing was sent. Name a file, or send one on stdin with -',
    next: '0g-compute transcribe talk.mp3',
    exitCode: EXIT.malformed,
  })

/** @param size bytes */
export const recordingTooLarge = (size: number): AppError =>
  new AppError({
    code: 'recording_too_large',
    message: `The recording has ${mebibytes(size)} MiB, ${mebibytes(MAX_RECORDING_BYTES)} are the most`,
    hint: 'Nothing was sent. Cut it, or compress it: an hour of speech fits with ffmpeg -i FILE -b:a 48k FILE.mp3',
    exitCode: EXIT.malformed,
    details: { size, limit: MAX_RECORDING_BYTES },
  })

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)

const formatUnknown = (): AppError =>
  new AppError({
    code: 'recording_format_unknown',
    message: `This is no recording in a format that is known: ${AUDIO_FORMATS.join(', ')}`,
    hint: 'Nothing was sent. Convert it first: ffmpeg -i FILE FILE.mp3',
    exitCode: EXIT.malformed,
  })
