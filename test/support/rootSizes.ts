/** Sizes on both sides of every boundary that the tree has: leaf, padding unit, segment, sixteen segments. */
export const ROOT_SIZES: readonly number[] = [
  1,
  31,
  ...[
    1, 2, 3, 15, 16, 17, 31, 32, 33, 1000, 1023, 1024, 1025, 1152, 1153, 2047, 2048, 2049, 16_383, 16_384,
    16_385,
  ].flatMap((leaves) => [256 * leaves - 1, 256 * leaves, 256 * leaves + 1]),
  5_000_000,
  9_999_999,
]

/** Bytes that repeat with no power of two, so that no two leaves are the same. */
export function patternBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16) * 13) & 255
  return bytes
}
