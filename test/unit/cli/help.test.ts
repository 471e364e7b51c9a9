import { execFile, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/base/errors.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { emptyHome } from './home.ts'

const home = emptyHome()
const hasGroff = spawnSync('groff', ['--version']).status === 0
const PROGRAM = join(import.meta.dirname, '../../../bin/0g-compute.js')

describe('help', () => {
  it('shows examples first and every command', async () => {
    const { code, stdout, stderr } = await home.run(['--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.indexOf('Examples')).toBeLessThan(stdout.indexOf('Commands'))
    for (const { name, summary } of COMMANDS)
      expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
  })

  it('is what one gets without words, with -h, and from help', async () => {
    const { stdout } = await home.run(['--help'])
    for (const args of [[], ['-h'], ['help'], ['--json', '--help']]) {
      expect(await home.run(args)).toEqual({ code: 0, stdout, stderr: '' })
    }
  })

  it('shows examples of a command before its options', async () => {
    for (const args of [
      ['fund', '--help'],
      ['help', 'fund'],
    ]) {
      const { code, stdout } = await home.run(args)
      expect(code).toBe(0)
      expect(stdout).toMatch(/^Examples\n {2}0g-compute fund 1\n/)
      expect(stdout).toMatch(/--provider <address>/)
      expect(stdout).toMatch(/--json/)
    }
  })

  it('lists the commands of a topic; without --help that is wrong usage', async () => {
    const asked = await home.run(['wallet', '--help'])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout).toMatch(/wallet new/)
    expect(asked.stdout).not.toMatch(/network/)
    expect(await home.run(['wallet'])).toEqual({ code: 2, stdout: '', stderr: asked.stdout })
  })

  it('explains every exit code, the environment, and what to trust', async () => {
    const { stdout } = await home.run(['help', 'exit-codes'])
    for (const code of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^ +${code}  \\w`, 'm'))
    expect((await home.run(['help', 'environment'])).stdout).toMatch(/ZG_PRIVATE_KEY_FILE/)
    expect((await home.run(['help', 'trust'])).stdout).toMatch(/simulated/)
    expect(await home.run(['help', 'nothing'])).toMatchObject({ code: 2 })
  })
})

describe('the environment', () => {
  const SRC = join(import.meta.dirname, '../../../src')
  /** Variables that the sources read, of the values of a broker's configuration the common beginning. */
  const read = new Set(
    readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('helpTopics.ts'))
      .flatMap((path) => [...readFileSync(join(SRC, path), 'utf8').matchAll(/(?:env\.|['`])(ZG_[A-Z_]+)/g)])
      .map(([, name]) => (/^ZG_PROVIDER_(?!CONFIG)/.test(name!) ? 'ZG_PROVIDER_' : name!)),
  )

  it.each(['docs/USING.md', 'help environment'])('is all in %s, and nothing else', async (where) => {
    const text = where.endsWith('.md')
      ? readFileSync(join(SRC, '..', where), 'utf8')
      : (await home.run(where.split(' '))).stdout
    const told = (text.match(/ZG_[A-Z_]+/g) ?? []).map((name) => name.replace('_LISTEN_PORT', '_'))
    expect([...new Set(told)].sort()).toEqual([...read].sort())
  })
})

describe('the manual page', () => {
  it('has every command with its options, examples and topics', async () => {
    const { code, stdout } = await home.run(['man'])
    expect(code).toBe(0)
    const plain = stdout
      .replaceAll('\\-', '-')
      .replace(/\\\[u([0-9A-F]+)\]/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    for (const { name, load } of COMMANDS) {
      expect(plain).toMatch(new RegExp(`^\\.SS 0g-compute ${name}( |$)`, 'm'))
      const { command } = await load()
      for (const [flags] of command.options ?? []) expect(plain).toContain(`\n.B ${flags}\n`)
      for (const example of command.examples) expect(plain).toContain(example.replaceAll('\\', '\\e'))
    }
    expect(plain).toContain('.SH EXIT CODES')
  })

  it.skipIf(!hasGroff)('is one that man takes without a warning', async () => {
    const { stdout } = await home.run(['man'])
    const { stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-z'], {
      input: stdout,
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
  })
})

describe('the version', () => {
  it('is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
    expect(await home.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('an older Node', () => {
  it.each(['20.20.2', '22.18.0', '18.0.0'])('%s gets one line that says what to do', async (version) => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, PROGRAM, 'fund', '1']
    const failure = await promisify(execFile)(process.execPath, args).catch((error) => error)
    expect(failure).toMatchObject({ code: 1, stdout: '' })
    expect(failure.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(failure.stderr).toContain(`22.19 or newer, this is ${version}`)
  })
})
