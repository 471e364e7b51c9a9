import { viewOf } from './bytes.ts'

/** kbit/s by version, layer and the four bits of the header. @see ISO/IEC 11172-3 section 2.4.2.3, 13818-3 2.4.2.3 */
const KBITS = {
  v1: {
    1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  v2: {
    1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    3: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
} as const
/** Samples a second of MPEG 1; half of them in version 2, a quarter in 2.5. */
const RATES = [44_100, 48_000, 32_000]
const ID3_HEADER = 10

interface Frames {
  readonly seconds: number
  /** Of the file that they take up. */
  readonly bytes: number
}

export interface Mp3Frames {
  readonly seconds: number
  /** Those that follow each other from the beginning. */
  readonly leading: Frames
  /** Whether the whole file was looked at: one without frames is given up. */
  readonly isWhole: boolean
}

/** Bytes that could begin a frame and do not, at most. */
const MAX_TRIES = 1 << 18

/** The frames of the file, added up: no header that states a number is believed, and no frame is left out. */
export function mp3Frames(file: Uint8Array): Mp3Frames {
  const view = viewOf(file)
  let seconds = 0
  let leading: Frames = { seconds: 0, bytes: 0 }
  let tries = 0
  for (let at = audioBegins(file); at + 4 <= file.length && tries < MAX_TRIES; ) {
    const frame = frameAt(view, at)
    if (frame) {
      seconds += frame.seconds
      if (tries === 0) leading = { seconds, bytes: leading.bytes + Math.min(frame.bytes, file.length - at) }
      at += frame.bytes
    } else {
      const next = file.indexOf(0xff, at + 1)
      at = next < 0 ? file.length : next
      tries++
    }
  }
  return { seconds, leading, isWhole: tries < MAX_TRIES }
}

/** Behind the tag, whose size is written in seven bits a byte. */
function audioBegins(file: Uint8Array): number {
  if (String.fromCharCode(...file.subarray(0, 3)) !== 'ID3') return 0
  return ID3_HEADER + file.subarray(6, ID3_HEADER).reduce((size, byte) => size * 128 + (byte & 0x7f), 0)
}

function frameAt(view: DataView, at: number): Frames | null {
  const header = view.getUint32(at)
  const version = (header >>> 19) & 3
  const layer = (4 - ((header >>> 17) & 3)) as 1 | 2 | 3 | 4
  const base = RATES[(header >>> 10) & 3]
  if (header >>> 21 !== 0x7ff || version === 1 || layer === 4 || base === undefined) return null
  const isFirst = version === 3
  const kbits = KBITS[isFirst ? 'v1' : 'v2'][layer][(header >>> 12) & 15]
  if (!kbits) return null
  const rate = base / (isFirst ? 1 : version === 2 ? 2 : 4)
  const samples = layer === 1 ? 384 : layer === 3 && !isFirst ? 576 : 1152
  const padding = (header >>> 9) & 1
  const bytes =
    layer === 1
      ? (Math.floor((12_000 * kbits) / rate) + padding) * 4
      : Math.floor((samples * 125 * kbits) / rate) + padding
  return { seconds: samples / rate, bytes }
}
