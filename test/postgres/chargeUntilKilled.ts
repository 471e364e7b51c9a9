import { writeSync } from 'node:fs'
import { receiptToJson } from '../../src/protocol/receipt.ts'
import { openLedger } from '../../src/provider/ledger/openLedger.ts'
import { deliveredOf, exchangeOf, type LedgerOwner, ledgerKeys, TEST_OWNER } from '../support/ledger.ts'

// A replica at work: as many charges at once as asked for, each receipt printed once it resolved. The test may
// kill it.
const [database, count, offset, firstSeq, ...users] = process.argv.slice(2)
const { LEDGER_OWNER } = process.env
const owner = LEDGER_OWNER ? (JSON.parse(LEDGER_OWNER) as LedgerOwner) : TEST_OWNER
const now = () => Date.now() + Number(offset)
const ledger = await openLedger({
  ...ledgerKeys(owner),
  database: database!,
  now,
  leaseMs: 500,
  firstSeq: Number(firstSeq),
})
writeSync(1, 'ready\n')
await Promise.all(
  Array.from({ length: Number(count) }, async (_, n) => {
    const exchange = exchangeOf(users[n % users.length] as `0x${string}`)
    if (n % 3 === 0) await ledger.checkpoint(exchange, deliveredOf(1))
    const signed = await ledger.charge(exchange, deliveredOf(n % 50), 'complete')
    writeSync(1, `${JSON.stringify(receiptToJson(signed))}\n`)
  }),
)
await ledger.close()
