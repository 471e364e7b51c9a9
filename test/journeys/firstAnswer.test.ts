import { execFile, execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildCopy } from '../../bench/cli/packed.ts'
import manifest from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')
const home = mkdtempSync(join(tmpdir(), 'zg-journey-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What the two optional parts of a devnet are called, and the official client: with their versions here. */
const BESIDE = (['@foundry-rs/anvil', 'node-llama-cpp'] as const)
  .map((name) => `${name}@${manifest.devDependencies[name]}`)
  .concat('openai')

/** Types one command into a shell. @returns what it printed, and how long it took, s */
async function type(command: string, cwd: string) {
  const startedAt = performance.now()
  const inherited = Object.entries(process.env).filter(([name]) => !/^(ZG_|NODE_PATH|npm_)/.test(name))
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], {
    cwd,
    env: { ...Object.fromEntries(inherited), ZG_HOME: join(home, 'state') },
    maxBuffer: 64 * 1024 * 1024,
  })
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${seconds.toFixed(1)} s: ${command}`)
  return { stdout, stderr, seconds }
}

describe('a new user', () => {
  let app: string
  beforeAll(() => {
    app = mkdtempSync(join(home, 'app-'))
    const copy = buildCopy()
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', home], {
      cwd: copy.dir,
      stdio: 'pipe',
    })
    copy.remove()
    cpSync(join(ROOT, 'examples/node.mjs'), join(app, 'first.mjs'))
  })

  it('comes from the packed package to an answer through the official client in 3 commands', async () => {
    const [tarball] = globSync('*.tgz', { cwd: home })
    try {
      const installed = await type(`npm install ${join(home, tarball!)} ${BESIDE.join(' ')}`, app)
      const up = await type('npx 0g-compute devnet up --port 0', app)
      const asked = await type('node first.mjs', app)
      expect(asked.stderr).toMatch(/verdict: accepted, fee: [1-9]\d* neuron/)
      expect(asked.stdout.trim()).not.toBe('')
      // What is downloaded is the network's affair: the rest takes less than a minute on any machine.
      expect(up.seconds + asked.seconds).toBeLessThan(60)
      console.log(`${(installed.seconds + up.seconds + asked.seconds).toFixed(1)} s in all`)
    } finally {
      await type('npx 0g-compute devnet down', app)
    }
  })

  it('comes from a fresh clone to a verified answer in 1 command', async () => {
    const clone = mkdtempSync(join(home, 'clone-'))
    const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    for (const file of new Set(files.split('\0').filter(Boolean)))
      cpSync(join(ROOT, file), join(clone, file), { recursive: true, dereference: false })
    const { stdout } = await type('npm ci && npm run --silent demo -- --no-finetune --json', clone)
    const story = JSON.parse(stdout.slice(stdout.indexOf('\n{') + 1)) as { verdict?: string }
    expect(JSON.stringify(story)).toContain('accepted')
    expect(dirname(clone)).toBe(home)
  })
})
