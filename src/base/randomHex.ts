import { randomFillSync } from 'node:crypto'

const BYTES = 16
const pool = Buffer.alloc(BYTES * 256)
let used = pool.length

/** 16 random bytes as lower-case hex. They are drawn 256 at a time: asking the kernel for each costs many times more. */
export function randomHex16(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const drawn = pool.toString('hex', used, used + BYTES)
  pool.fill(0, used, used + BYTES)
  used += BYTES
  return drawn
}
