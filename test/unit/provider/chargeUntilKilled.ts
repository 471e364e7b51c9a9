import { writeSync } from 'node:fs'
import { deliveredOf, exchangeOf, openLedger } from '../../support/ledger.ts'

// A broker's ledger at work: charges without end, and prints the id of each charge that resolved. The test
// kills it. Half of the exchanges have checkpoints, some never end.
const [folder, clients, ...users] = process.argv.slice(2)
const ledger = await openLedger(folder!)

async function charge(user: `0x${string}`): Promise<void> {
  const exchange = exchangeOf(user)
  if (Math.random() < 0.5) await ledger.checkpoint(exchange, deliveredOf(1))
  if (Math.random() < 0.1) return
  const { receipt } = await ledger.charge(exchange, deliveredOf(5), 'complete')
  writeSync(1, `${exchange.id} ${receipt.seq} ${receipt.cumulative}\n`)
}

async function client(user: `0x${string}`): Promise<never> {
  for (;;) await charge(user)
}

await Promise.all(
  Array.from({ length: Number(clients) }, (_, n) => client(users[n % users.length] as `0x${string}`)),
)
