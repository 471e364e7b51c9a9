import { existsSync, readFileSync } from 'node:fs'
import { browser } from './test/browser.ts'
import { command } from './test/command.ts'
import { container } from './test/container.ts'
import { deployed } from './test/deployed.ts'
import { engines } from './test/engines.ts'
import { examples } from './test/examples.ts'
import { finetune } from './test/finetune.ts'
import { forge } from './test/forge.ts'
import { pythonClient, trainedInterop } from './test/interop.ts'
import { journeys } from './test/journeys.ts'
import { licences } from './test/licences.ts'
import { addTallies, emptyTally, type Part, type Tally } from './test/part.ts'
import { peers } from './test/peers.ts'
import { postgres } from './test/postgres.ts'
import { ray } from './test/ray.ts'
import { schemathesis } from './test/schemathesis.ts'
import { slither } from './test/slither.ts'
import { trainer } from './test/trainer.ts'
import { vitest } from './test/vitest.ts'

/**
 * `npm test`: everything that npm alone can set up. `npm run test:all`: also what needs Python.
 * The last line is `N passed, N failed, N skipped`. With CI set, a skip whose name
 * begins with nothing in `test/skips.json` fails.
 */
const QUICK: readonly Part[] = [
  command('lint and layering', 'biome', ['check', '--error-on-warnings']),
  command('types', 'tsc', ['--noEmit']),
  command('contract artifacts are current', 'node', ['scripts/build-contracts.ts', '--check']),
  command('the page of benchmarks says what the results say', 'node', ['scripts/benchmarks.ts', '--check']),
  licences(),
  forge(),
  vitest(),
]

const EXTRA: readonly Part[] = [
  trainer(),
  journeys(),
  finetune(),
  engines(),
  ray(),
  peers(),
  postgres(),
  deployed(),
  slither(),
  browser(),
  examples(),
  pythonClient(),
  schemathesis(),
  trainedInterop(),
  container(),
]

const parts = process.argv.includes('--all') ? [...QUICK, ...EXTRA] : QUICK
let total: Tally = emptyTally()
for (const part of parts) {
  const startedAt = performance.now()
  const tally = await part.run()
  total = addTallies(total, tally)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${tally.failed ? 'FAIL' : 'ok  '} ${part.name}: ${summary(tally)} (${seconds} s)`)
  for (const reason of tally.skips) console.log(`     skipped: ${reason}`)
}

const unexpected = process.env.CI
  ? total.skips.filter((skip) => !knownSkips().some((known) => skip.startsWith(known)))
  : []
for (const skip of unexpected) console.log(`FAIL a skip that was not there before: ${skip}`)
const failed = total.failed + unexpected.length
console.log(`${total.passed} passed, ${failed} failed, ${total.skips.length} skipped`)
process.exitCode = failed ? 1 : 0

function summary({ passed, failed, skips }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skips.length} skipped`
}

function knownSkips(): readonly string[] {
  return existsSync('test/skips.json') ? JSON.parse(readFileSync('test/skips.json', 'utf8')) : []
}
