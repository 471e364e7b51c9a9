import { viewOf } from './bytes.ts'

/** `fLaC`, and the header of the first block. */
const STREAM_INFO = 8

/** Samples by their rate, from the first block. @see https://www.rfc-editor.org/rfc/rfc9639#section-8.2 */
export function flacSeconds(file: Uint8Array): number | null {
  const view = viewOf(file)
  const rate = view.getUint32(STREAM_INFO + 10) >>> 12
  const samples = (view.getUint8(STREAM_INFO + 13) & 0x0f) * 2 ** 32 + view.getUint32(STREAM_INFO + 14)
  return rate > 0 && samples > 0 ? samples / rate : null
}
