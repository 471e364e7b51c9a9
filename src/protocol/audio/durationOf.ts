import { audioFormat } from './audioFormat.ts'
import { flacSeconds } from './flac.ts'
import { mp3Frames } from './mp3.ts'
import { mp4Seconds } from './mp4.ts'
import { oggSeconds } from './ogg.ts'

function mp3Seconds(file: Uint8Array): number | null {
  const { seconds, isWhole } = mp3Frames(file)
  return isWhole ? seconds : null
}

const READERS = { flac: flacSeconds, mp3: mp3Seconds, mp4: mp4Seconds, ogg: oggSeconds } as const

/** Seconds of a compressed recording, as it says itself; null where it does not, or cannot be read. */
export function durationOf(file: Uint8Array): number | null {
  const format = audioFormat(file)
  if (format === null || format === 'wav' || format === 'webm') return null
  try {
    const seconds = READERS[format](file)
    return seconds !== null && Number.isFinite(seconds) && seconds > 0 ? seconds : null
  } catch (error) {
    // A field beyond the end of the file.
    if (error instanceof RangeError) return null
    throw error
  }
}
