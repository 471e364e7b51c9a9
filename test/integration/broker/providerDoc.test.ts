import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'

const page = readFileSync('docs/PROVIDER.md', 'utf8')
const home = mkdtempSync(join(tmpdir(), 'zg-doc-'))
const env = { ...process.env, ZG_HOME: home, NO_COLOR: '1' }

afterAll(async () => {
  await run(['devnet', 'down'])
  rmSync(home, { recursive: true, force: true })
})

const run = (args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['bin/0g-compute.js', ...args], { env })

/** The commands of a section's code block, as words. */
function commandsOf(heading: string): string[][] {
  const block = page.split(heading)[1]!.split('```sh\n')[1]!.split('```')[0]!
  return block
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, ''))
    .filter((line) => line.startsWith('0g-compute '))
    .map((line) =>
      [...line.slice('0g-compute '.length).matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, word]) => quoted ?? word!,
      ),
    )
}

describe('docs/PROVIDER.md', () => {
  it('leads to the first neuron in three commands', { timeout: 120_000 }, async () => {
    const commands = commandsOf('## The first neuron, on a devnet')
    expect(commands).toHaveLength(3)
    const outputs: string[] = []
    for (const words of commands) {
      // Any free port: another devnet may be up on the machine that runs the tests.
      const args = words.join(' ') === 'devnet up' ? [...words, '--port', '0'] : words
      outputs.push((await run(args)).stdout)
    }
    expect(outputs[2]).toMatch(/^0\.\d+ 0G in 14 days/)
  })

  it('names commands that exist, and files that are there', async () => {
    const { COMMANDS } = await import('../../../src/cli/commands.ts')
    const named = [
      ...page.matchAll(/`(?:0g-compute )?(provider [a-z]+)/g),
      ...page.matchAll(/^0g-compute (provider [a-z]+)/gm),
    ]
    expect(named.length).toBeGreaterThan(8)
    for (const [, name] of named) expect(COMMANDS.map((command) => command.name)).toContain(name)
    for (const [path] of page.matchAll(/\b(?:deploy|src)\/[\w./-]+\w/g))
      expect(existsSync(path), path).toBe(true)
  })

  it('states the limits that are in force', () => {
    const { concurrent, user, tokensInFlight, strangers } = DEFAULT_LIMITS
    const figures = [
      concurrent,
      user.concurrent,
      user.requestsPerMinute,
      user.tokensPerMinute,
      tokensInFlight,
    ]
    for (const figure of [...figures, strangers.perIpPerMinute, strangers.perMinute]) {
      expect(page).toMatch(new RegExp(`\\| .*${figure.toLocaleString('en-US')}`))
    }
  })
})
