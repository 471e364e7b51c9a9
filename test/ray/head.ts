import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where `npm run test:all` installs Ray. */
export const RAY_VENV = resolve(import.meta.dirname, '../../cache/ray')
const START_MS = 300_000

/** A Ray head of its own. */
export interface RayHead {
  /** Of its dashboard, where the Jobs API is. */
  readonly address: string
  stop(): Promise<void>
}

export async function startRayHead(): Promise<RayHead> {
  const dir = mkdtempSync(join(tmpdir(), 'ray'))
  const [port, dashboard] = await Promise.all([freePort(), freePort()])
  const args = [
    ...['start', '--head', '--block', '--num-cpus=2', '--disable-usage-stats', `--temp-dir=${dir}`],
    ...['--node-ip-address=127.0.0.1', `--port=${port}`],
    ...['--dashboard-host=127.0.0.1', `--dashboard-port=${dashboard}`],
  ]
  const child = spawn(join(RAY_VENV, 'bin/ray'), args, { stdio: 'ignore', detached: true })
  const stop = async () => {
    const gone = new Promise((done) => child.once('exit', done))
    if (child.exitCode === null && child.pid) {
      process.kill(-child.pid, 'SIGTERM')
      await Promise.race([gone, sleep(15_000)])
    }
    endAllOf(dir)
    rmSync(dir, { recursive: true, force: true })
  }
  const address = `http://127.0.0.1:${dashboard}`
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(500)) {
    const answer = await fetch(`${address}/api/version`).catch(() => null)
    if (answer?.ok) return { address, stop }
    if (child.exitCode !== null) break
  }
  await stop()
  throw new Error('the Ray head did not start')
}

/** Ray's processes start others in groups of their own; each names the head's folder. */
function endAllOf(dir: string): void {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(dir)) process.kill(Number(name), 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
