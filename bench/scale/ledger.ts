import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { Address } from '../../src/base/hex.ts'
import { deliveredOf, exchangeOf, freshFolder, openLedger } from '../../test/support/ledger.ts'
import { measured } from './measured.ts'

/** `node bench/scale/ledger.ts N`: N charges of 1,000 users, 256 at a time, each on disk; then a start from the file. */
const count = Number(process.argv[2])
const AT_ONCE = 256
const folder = freshFolder()
const users = Array.from(
  { length: Math.min(1000, count) },
  () => `0x${randomBytes(20).toString('hex')}` as Address,
)
const ledger = await openLedger(folder)
await measured(async () => {
  for (let start = 0; start < count; start += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - start)
    await Promise.all(
      Array.from({ length: size }, (_, i) =>
        ledger.charge(exchangeOf(users[(start + i) % users.length]!), deliveredOf(8), 'complete'),
      ),
    )
  }
})
await ledger.close()
rmSync(folder, { recursive: true })
