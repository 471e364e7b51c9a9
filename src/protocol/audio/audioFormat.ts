import { nameAt } from './bytes.ts'

/** Formats of recordings that OpenAI's API takes, as its file names end. */
export const AUDIO_FORMATS = ['wav', 'mp3', 'm4a', 'mp4', 'ogg', 'flac', 'webm'] as const

export type AudioFormat = 'wav' | 'mp3' | 'mp4' | 'ogg' | 'flac' | 'webm'

/** What a recording is, by how it begins, or null. */
export function audioFormat(file: Uint8Array): AudioFormat | null {
  const name = nameAt(file, 0)
  if (name === 'RIFF' && nameAt(file, 8) === 'WAVE') return 'wav'
  if (name === 'fLaC') return 'flac'
  if (name === 'OggS') return 'ogg'
  if (nameAt(file, 4) === 'ftyp') return 'mp4'
  if ([0x1a, 0x45, 0xdf, 0xa3].every((byte, i) => file[i] === byte)) return 'webm'
  if (name.startsWith('ID3') || isMpegFrame(file)) return 'mp3'
  return null
}

/** Eleven bits that are set, and a layer: MPEG audio without a tag before it. */
const isMpegFrame = ([first = 0, second = 0]: Uint8Array): boolean =>
  first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x06) !== 0
