import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findSandbox, type Sandbox } from '../../../../src/provider/finetune/trainer/sandbox.ts'

let dir: string
let file: string
let sandbox: Sandbox

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'zg-sandbox-'))
  writeFileSync(join(dir, 'secret'), 'key')
  file = join(tmpdir(), `zg-socket-${process.pid}`)
  writeFileSync(file, 'socket')
  sandbox = await findSandbox({ probe: ['true'], hide: [dir, file, '/dev/null/nowhere'] })
})

afterAll(() => {
  rmSync(dir, { recursive: true, force: true })
  rmSync(file, { force: true })
})

function inside(script: string): { status: number | null; stdout: string } {
  const [file, ...args] = sandbox.wrap(['sh', '-c', script])
  return spawnSync(file!, args, { encoding: 'utf8' })
}

const isIsolated = () => sandbox.level !== 'process'

describe('the sandbox of jobs', () => {
  it('says what applies, and passes the exit code on', () => {
    expect(sandbox.measures).toContain('no secrets in its environment')
    expect(inside('exit 7').status).toBe(7)
    expect(inside('ulimit -c').stdout.trim()).toBe('0')
  })

  it('reaches no network, sees no other process, hides folders, and has no privileges', async (context) => {
    if (!isIsolated()) return context.skip('this machine allows no namespaces')
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`
    expect(spawnSync('bash', ['-c', connect]).status).toBe(0)
    expect(inside(`bash -c '${connect}' 2>/dev/null`).status).not.toBe(0)
    server.close()
    expect(inside(`ls ${dir}`).stdout).toBe('')
    expect(inside(`cat ${file}`)).toMatchObject({ status: 0, stdout: '' })
    expect(inside('ls /proc | grep -c "^[0-9]"').stdout.trim()).toMatch(/^[1-9]$/)
    expect(inside('grep CapEff /proc/self/status').stdout).toMatch(/CapEff:\s+0+\n/)
    expect(inside('grep NoNewPrivs /proc/self/status').stdout).toMatch(/1\n/)
    if (sandbox.level === 'user') expect(inside('id -u').stdout.trim()).toBe(String(sandbox.uid))
  })

  it('is the plain process where the program works in nothing stricter', async () => {
    const none = await findSandbox({ probe: ['/dev/null/at/all'], hide: [] })
    expect(none).toMatchObject({ level: 'process', uid: null })
  })
})
