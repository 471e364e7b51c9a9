import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isAlive } from '../../src/base/isAlive.ts'
import { runCli } from '../support/cli.ts'

const home = mkdtempSync(join(tmpdir(), 'zg-devnet-'))
const env = { ZG_HOME: home, ZG_DEVNET_DIR: join(home, 'devnet') }
const devnetFile = join(home, 'devnet', 'devnet.json')
const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })

afterAll(async () => {
  await runCli(['devnet', 'down'], env)
  stranger.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})

/** A devnet that died, whose process ids the machine has given to somebody else. */
function leaveStaleFile(): void {
  const nowhere = `0x${'1'.repeat(40)}`
  const network = {
    name: 'devnet',
    kind: 'devnet',
    chainId: 31337,
    rpcUrls: ['http://127.0.0.1:9'],
    ledger: nowhere,
    inference: nowhere,
    fineTuning: nowhere,
    confirmations: 1,
  }
  const account = { address: nowhere, privateKey: `0x${'1'.repeat(64)}` }
  const accounts = { user: account, provider: account, deployer: account }
  mkdirSync(join(home, 'devnet'), { recursive: true })
  const pid = stranger.pid!
  const provider = { url: 'http://127.0.0.1:9', pid }
  writeFileSync(devnetFile, JSON.stringify({ network, accounts, provider, anvil: { pid, port: 9 } }))
}

describe('a devnet whose processes are gone', () => {
  it('is not taken for one that is up, and no stranger is ended in its place', async () => {
    leaveStaleFile()
    const down = await runCli(['devnet', 'down', '--json'], env)
    expect(JSON.parse(down.stdout)).toEqual({ stopped: false })
    expect(isAlive(stranger.pid!)).toBe(true)

    leaveStaleFile()
    const up = await runCli(['devnet', 'up', '--port', '0', '--json'], env)
    expect(JSON.parse(up.stdout)).toMatchObject({ alreadyUp: false })
    expect(isAlive(stranger.pid!)).toBe(true)
    expect(JSON.parse(readFileSync(devnetFile, 'utf8')).anvil.pid).not.toBe(stranger.pid)

    const again = await runCli(['devnet', 'up', '--json'], env)
    expect(JSON.parse(again.stdout)).toMatchObject({ alreadyUp: true })
    expect(again.stderr).not.toContain('then again')
    const more = await runCli(['devnet', 'up', '--finetune'], env)
    expect([more.code, more.stderr]).toEqual([0, expect.stringContaining('devnet down, then again')])

    // Who names a wallet means a provider of his own, and not the devnet's.
    expect((await runCli(['provider', 'status'], env)).code).toBe(0)
    const { stderr } = await runCli(['provider', 'status', '--wallet', 'gpu'], env)
    expect(stderr).toContain('(provider_not_running)')
  })
})
