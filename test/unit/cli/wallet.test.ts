import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { computeAddress, Wallet } from 'ethers'
import { describe, expect, it } from 'vitest'
import { emptyHome } from './home.ts'

const home = emptyHome()
const KEY = `0x${'0'.repeat(63)}1`
const ADDRESS = computeAddress(KEY)
const PASSWORD = { ZG_PASSWORD: 'correct horse' }
const NOWHERE = ['--network', 'testnet', '--rpc', 'http://127.0.0.1:1']

const json = async (...[args, ...rest]: Parameters<typeof home.run>) => {
  const result = await home.run([...args, '--json'], ...rest)
  return { ...result, value: JSON.parse(result.stdout) }
}

describe('wallets', () => {
  it('are made encrypted, for their owner alone, and open with the password only', async () => {
    const { code, value } = await json(['wallet', 'new', '--name', 'fresh'], PASSWORD)
    expect(code).toBe(0)
    expect(statSync(value.path).mode & 0o777).toBe(0o600)
    const keystore = readFileSync(value.path, 'utf8')
    expect(JSON.parse(keystore)).toMatchObject({ version: 3, Crypto: { kdf: 'scrypt' } })
    expect((await Wallet.fromEncryptedJson(keystore, 'correct horse')).address).toBe(value.address)
  })

  it('are imported from stdin, a file, the environment; the key appears nowhere', async () => {
    const file = join(home.dir, 'key.txt')
    writeFileSync(file, `${KEY}\n`, { mode: 0o600 })
    const sources: [string, string[], Record<string, string>, string][] = [
      ['a', [], {}, `${KEY.slice(2)}\n`],
      ['b', ['--file', file], {}, ''],
      ['c', [], { ZG_PRIVATE_KEY: KEY }, ''],
    ]
    for (const [name, args, env, input] of sources) {
      const result = await json(['wallet', 'import', '--name', name, ...args], { ...PASSWORD, ...env }, input)
      expect(result).toMatchObject({ code: 0, value: { name, address: ADDRESS } })
      expect(result.stdout + result.stderr + readFileSync(result.value.path, 'utf8')).not.toContain(
        KEY.slice(10),
      )
    }
  })

  it('of another program are imported too', async () => {
    const file = join(home.dir, 'theirs.json')
    writeFileSync(file, await new Wallet(KEY).encrypt('their password'), { mode: 0o600 })
    const args = ['wallet', 'import', '--name', 'theirs', '--keystore', file]
    expect(await json(args, PASSWORD)).toMatchObject({ code: 2, value: { code: 'terminal_needed' } })
    expect(await json(args, { ...PASSWORD, ZG_IMPORT_PASSWORD: 'wrong' })).toMatchObject({
      code: 4,
      value: { code: 'password_wrong' },
    })
    expect(await json(args, { ...PASSWORD, ZG_IMPORT_PASSWORD: 'their password' })).toMatchObject({
      code: 0,
      value: { address: ADDRESS },
    })
  })

  it('are never overwritten', async () => {
    const before = readFileSync(join(home.dir, 'wallets/fresh.json'), 'utf8')
    const { code, value } = await json(['wallet', 'new', '--name', 'fresh'], PASSWORD)
    expect([code, value.code]).toEqual([2, 'wallet_exists'])
    expect(readFileSync(join(home.dir, 'wallets/fresh.json'), 'utf8')).toBe(before)
  })

  it('are refused without a password to be had, under a strange name, and for what is no key', async () => {
    expect(await json(['wallet', 'new', '--name', 'x'])).toMatchObject({
      code: 2,
      value: { code: 'terminal_needed' },
    })
    expect(await json(['wallet', 'new', '--name', '../x'], PASSWORD)).toMatchObject({
      code: 2,
      value: { code: 'wallet_name_invalid' },
    })
    expect(await json(['wallet', 'import', '--name', 'x'], PASSWORD, 'no key')).toMatchObject({
      code: 4,
      value: { code: 'key_invalid' },
    })
    expect(await json(['wallet', 'new', '--name', 'x'], { ZG_PASSWORD: '' })).toMatchObject({
      code: 2,
      value: { code: 'password_invalid' },
    })
  })

  it('are chosen by name; the first made is in use', async () => {
    const config = () => JSON.parse(readFileSync(join(home.dir, 'config.json'), 'utf8'))
    expect(config().wallet).toBe('fresh')
    expect((await json(['wallet', 'use', 'b'])).code).toBe(0)
    expect(config().wallet).toBe('b')
    const advice = async (...args: string[]) => (await json(args)).value
    expect(await advice('wallet', 'use', 'frehs')).toMatchObject({
      code: 'wallet_unknown',
      hint: expect.stringContaining('Did you mean "fresh"? Wallets: a, b'),
      next: '0g-compute wallet use fresh',
    })
    expect((await advice('fund', '1', '--wallet', 'nobody')).next).toBe('0g-compute wallet show --wallet a')
    expect((await advice('config', 'set', 'wallet', 'nobody')).next).toBe('0g-compute config set wallet a')
    // One for good and another for this call: which is meant nobody knows.
    expect(await json(['wallet', 'use', 'a', '--wallet', 'nobody'])).toMatchObject({
      code: 2,
      value: { code: 'usage', next: '0g-compute wallet use a' },
    })
    expect(config().wallet).toBe('b')
  })

  it('are not opened to look at receipts', async () => {
    // The chain is needed for nothing but to see that it is the right one.
    const { value } = await json(['receipts', 'list', ...NOWHERE])
    expect(value.code).toBe('rpc_unreachable')
  })

  it('a secret that others can read is warned of', async () => {
    const file = join(home.dir, 'open.txt')
    writeFileSync(file, KEY)
    chmodSync(file, 0o644)
    const { stderr } = await home.run(['wallet', 'show', ...NOWHERE], { ZG_PRIVATE_KEY_FILE: file })
    expect(stderr).toContain(`chmod 600 ${file}`)
    chmodSync(file, 0o600)
    const quiet = await home.run(['wallet', 'show', ...NOWHERE], { ZG_PRIVATE_KEY_FILE: file })
    expect(quiet.stderr).not.toContain('chmod')
  })
})
