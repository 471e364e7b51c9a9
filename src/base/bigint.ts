/** The larger of two bigints: `Math.max` takes numbers only. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

/** The smaller of two bigints. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}
