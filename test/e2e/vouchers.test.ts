import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { sqlite } from '../../src/base/nodeSqlite.ts'
import { readSettled } from '../../src/chain/batches.ts'
import { runCli } from '../support/cli.ts'
import { devnetHome } from '../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { type ServeProcess, startServe } from '../support/serveProcess.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let scripted: ScriptedEngine
let served: ServeProcess
let home: Record<string, string>

const start = () =>
  startServe(world, [
    ...['--config', join(world.dir, 'provider.yaml')],
    // Nothing is settled but by `provider settle`.
    ...['--settle-interval', '3600', '--settle-min', '1'],
  ])

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld('ours'), startScriptedEngine()])
  home = devnetHome(world)
  const engine = ['--engine', 'url', '--target', scripted.target]
  const init = [
    'provider',
    'init',
    join(world.dir, 'provider.yaml'),
    '--tee',
    'none',
    ...engine,
    '--defaults',
  ]
  expect((await cli(...init)).code).toBe(0)
  served = await start()
}, 240_000)

afterAll(async () => {
  if (served?.child.exitCode === null && served.child.signalCode === null) await kill()
  await world?.stop()
  await scripted?.stop()
})

const cli = (...args: string[]) => runCli(args, home)
const infer = (...args: string[]) =>
  cli('infer', 'hi', '--provider', world.provider.address, '--model', 'steady', '--yes', '--json', ...args)

/** Of the last of the JSON objects on stdout. */
const lastOf = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)!)

async function paid(): Promise<bigint> {
  const [user, provider] = [world.user.address as Address, world.provider.address as Address]
  return (await readSettled(world.inference, user, provider)).settled
}

/** What the client keeps of its vouchers. */
function kept() {
  const dir = join(world.dir, 'vouchers')
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const path = join(dir, files.find((name) => name.endsWith('.json'))!)
  return { mode: statSync(path).mode & 0o777, ...JSON.parse(readFileSync(path, 'utf8')) }
}

async function kill(): Promise<void> {
  const gone = new Promise((resolve) => served.child.once('exit', resolve))
  served.child.kill('SIGKILL')
  await gone
}

describe('a provider without a TEE, from the command line', () => {
  it('is shown as what it is, and asked only when it is named', async () => {
    const shown = await cli('provider', 'show', world.provider.address)
    expect(shown.stdout).toContain('payment  by vouchers')
    expect(shown.stdout).toContain('Evidence: incomplete, assurance none')
    expect(shown.stderr).toContain('--accept incomplete')
    const listed = await cli('provider', 'list')
    expect(listed.stdout).toContain('none, no TEE')
    expect(listed.stdout).not.toContain('acknowledged')
    expect((await cli('fund', '--help')).stdout).toContain('A provider without a TEE has no signer')
    const unnamed = await cli('infer', 'hi', '--yes')
    expect(unnamed.code).toBe(1)
    expect(unnamed.stderr).toContain('runs without a TEE')
    expect((await cli('help', 'trust')).stdout).toContain('A provider without a TEE')
    const training = await cli('provider', 'serve', '--tee', 'none', '--finetune', '--json')
    expect(training.code).toBe(20)
    expect(training.stderr + training.stdout).toContain('finetune_needs_tee')
  }, 240_000)

  it('is paid exactly what the client checked, whatever is killed between answer and settlement', async () => {
    const fees: bigint[] = []
    const first = await infer('--max-tokens', '5')
    expect(first.code).toBe(11)
    expect(first.stderr).toContain('This provider has no TEE')
    expect(lastOf(first.stdout)).toMatchObject({ verdict: 'incomplete', assurance: 'none' })
    fees.push(BigInt(lastOf(first.stdout).fee))
    const accepted = await infer('--max-tokens', '5', '--accept', 'incomplete')
    expect(accepted.code).toBe(0)
    fees.push(BigInt(lastOf(accepted.stdout).fee))
    expect(kept()).toMatchObject({ mode: 0o600, verified: `${fees[0]! + fees[1]!}`, pledges: [] })

    await kill()
    expect(await paid()).toBe(0n)
    const alone = await cli('receipts', 'audit', '--json')
    const owed = `${fees[0]! + fees[1]!}`
    expect(alone.code).toBe(11)
    expect(lastOf(alone.stdout)).toMatchObject({ charged: owed, paid: '0', unsettled: owed, difference: '0' })
    expect((await cli('receipts', 'audit')).stdout).toContain('not settled, by its receipts alone')
    served = await start()
    const third = await infer('--max-tokens', '5', '--accept', 'incomplete')
    expect(third.code).toBe(0)
    fees.push(BigInt(lastOf(third.stdout).fee))

    // In the middle of a stream: what it cost is known only once the broker is back, and is within what was signed.
    scripted.delayMs = 30
    const before = scripted.requests.length
    const cut = infer('--max-tokens', '1000')
    await expect.poll(() => scripted.requests.length, { timeout: 20_000 }).toBe(before + 1)
    await expect.poll(() => checkpoints(), { timeout: 20_000 }).toBeGreaterThan(0)
    await kill()
    expect((await cut).code).not.toBe(0)
    scripted.delayMs = 0
    const lost = kept().pledges
    served = await start()
    const last = await infer('--max-tokens', '5', '--accept', 'incomplete')
    expect(last.code).toBe(0)
    fees.push(BigInt(lastOf(last.stdout).fee))
    const { verified, pledges } = kept()
    const known = fees.reduce((sum, fee) => sum + fee, 0n)
    expect(BigInt(verified)).toBeGreaterThan(known)
    expect(BigInt(verified)).toBeLessThanOrEqual(known + BigInt(lost[0].amount))
    // The rest of what was signed may still turn out to be owed, for a request that was lost with it.
    expect(sum(pledges)).toBe(sum(lost) - (BigInt(verified) - known))

    expect(await paid()).toBe(0n)
    const settled = await cli('provider', 'settle', '--data-dir', served.dataDir)
    expect(settled.code).toBe(0)
    expect(await paid()).toBe(BigInt(verified))
    const earned = await cli('provider', 'earnings', '--data-dir', served.dataDir, '--json')
    expect(lastOf(earned.stdout).total).toBe(verified)
    const status = await cli('provider', 'status', '--data-dir', served.dataDir, '--json')
    expect(lastOf(status.stdout)).toMatchObject({ owed: '0', assurance: 'none' })
    const audit = await cli('receipts', 'audit', '--json')
    expect(lastOf(audit.stdout).difference).toBe('0')
  }, 480_000)
})

const sum = (pledges: readonly { readonly amount: string }[]): bigint =>
  pledges.reduce((total, { amount }) => total + BigInt(amount), 0n)

/** Streams that the broker would charge after a crash. */
function checkpoints(): number {
  const file = new sqlite.DatabaseSync(join(served.dataDir, 'ledger.sqlite'), { readOnly: true })
  try {
    return (file.prepare('SELECT count(*) AS n FROM exchanges').get() as { n: number }).n
  } finally {
    file.close()
  }
}
