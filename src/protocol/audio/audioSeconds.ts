import { audioFormat } from './audioFormat.ts'
import { durationOf } from './durationOf.ts'
import { mp3Frames } from './mp3.ts'
import { wavSeconds } from './wav.ts'

/** Bits a second of the thriftiest speech codec in use (Opus at its lowest): no recording is longer for its size. */
const LEAST_BITRATE = 6000

/** A decoder may hear a little more than a compressed file says: what its encoder filled up. */
const PADDING = 1

export interface AudioLength {
  /** The longest that it can be. */
  readonly most: number
  /** Whether that is also what it is: uncompressed audio says so itself. */
  readonly isExact: boolean
}

/**
 * How many begun seconds a recording has, from its bytes: exact for WAV; for MP3 its frames, and what fits beside them;
 * for others what fits into its size. Whoever sent it cannot have more heard than that.
 */
export function audioSeconds(file: Uint8Array): AudioLength {
  const exact = wavSeconds(file)
  if (exact !== null) return { most: exact, isExact: true }
  // Frames in the middle of something else may be nothing to a decoder that sees another format there.
  const { seconds, bytes } = audioFormat(file) === 'mp3' ? mp3Frames(file).leading : NO_FRAMES
  return { most: Math.ceil(seconds + ((file.length - bytes) * 8) / LEAST_BITRATE), isExact: false }
}

const NO_FRAMES = { seconds: 0, bytes: 0 }

/**
 * The most begun seconds that may be billed for a recording of one's own: as it says itself where that can be read,
 * else what fits into its size.
 */
export function billableSeconds(file: Uint8Array): number {
  const { most, isExact } = audioSeconds(file)
  const duration = isExact ? null : durationOf(file)
  return duration === null ? most : Math.min(most, Math.ceil(duration) + PADDING)
}
