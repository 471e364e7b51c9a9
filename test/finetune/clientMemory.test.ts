import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from './clientAt.ts'

const GIB = 1024 ** 3
const LIMIT_MB = 200
const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** The steps and what they use, compiled as the package is: stripping types takes memory of its own. */
async function compile(folder: string): Promise<string> {
  const compilerOptions = { noEmit: false, noCheck: true, rootDir: ROOT, outDir: join(folder, 'built') }
  const files = [join(ROOT, 'test/finetune/memoryChild.ts')]
  const config = join(folder, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }),
  )
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', config])
  return join(folder, 'built/test/finetune/memoryChild.js')
}

describe('peak memory with 1 GiB', () => {
  const folder = newFolder()
  let server: ChildProcess
  let url: string
  let child: string

  beforeAll(async () => {
    child = await compile(folder)
    await run(process.execPath, [child, 'prepare', folder, String(GIB)])
    server = spawn(process.execPath, [child, 'serve', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(server.stdout!, 'data')) as [Buffer]
    url = line.toString().trim()
  })
  afterAll(() => {
    server?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  /** Does one step in a process of its own. @returns its peak memory, MB */
  async function peakOf(step: string): Promise<number> {
    const { stdout } = await run(process.execPath, [child, step, folder, url])
    const peak = Number(stdout.trim())
    console.log(`${step}: ${peak} MB`)
    return peak
  }

  it.each(['upload', 'download', 'unlock'])('%s', async (step) => {
    expect(await peakOf(step)).toBeLessThan(LIMIT_MB)
  })

  it('is that of the whole file', () => {
    expect(statSync(join(folder, 'model', 'model.bin')).size).toBe(GIB)
    expect(statSync(join(folder, 'finetune', 'k', 'model.sealed')).size).toBeGreaterThan(GIB)
  })
})
