import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ProviderConfig } from '../../../src/provider/config/config.ts'
import { variableOf } from '../../../src/provider/config/environment.ts'
import { loadConfig } from '../../../src/provider/config/load.ts'
import { limitsOf, pricesOf, rateFeedOf } from '../../../src/provider/config/resolve.ts'
import { renderConfig } from '../../../src/provider/config/template.ts'
import { ROOT } from '../../../src/provider/config/validate.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-config-'))
afterAll(() => rmSync(dir, { recursive: true }))

function fileOf(text: string): string {
  const file = join(dir, 'provider.yaml')
  writeFileSync(file, text)
  return file
}

const load = (text: string, env: Record<string, string> = {}, flags: ProviderConfig = {}) =>
  loadConfig({ file: fileOf(text), env, flags })

const problem = (text: string, env: Record<string, string> = {}): string => {
  try {
    load(text, env)
    return 'none'
  } catch (error) {
    return (error as Error).message.replace(dir, '')
  }
}

describe('a configuration', () => {
  it('counts flags first, then the environment, then the file', () => {
    const text = "listen: { host: 127.0.0.1, port: 1 }\nprices: { input: '1', output: '2' }\n"
    const env = { ZG_PROVIDER_LISTEN_PORT: '2', ZG_PROVIDER_PRICES_INPUT: '3', ZG_PROVIDER_COMPAT: 'true' }
    expect(load(text, env, { listen: { port: 3 } })).toEqual({
      listen: { host: '127.0.0.1', port: 3 },
      prices: { input: '3', output: '2' },
      compat: true,
    })
    expect(variableOf(['limits', 'user', 'requestsPerMinute'])).toBe(
      'ZG_PROVIDER_LIMITS_USER_REQUESTS_PER_MINUTE',
    )
  })

  it('refuses what a flag must not say', () => {
    expect(() => load('', {}, { tee: { kind: 'nonee' as never } })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: 'tee.kind is none of dstack, simulated, none',
        exitCode: 2,
      }),
    )
  })

  it.each([
    [
      'an unknown key',
      'listen:\n  host: a\n  prot: 1\n',
      '/provider.yaml:3: listen.prot is no setting; known here: host, port, url, origins, tls',
    ],
    [
      'a key in another case',
      'limits:\n  body_bytes: 9999\n',
      '/provider.yaml:2: limits.body_bytes is no setting; did you mean "bodyBytes"?',
    ],
    [
      'a price that is no text',
      'prices:\n  input: 0.05\n',
      '/provider.yaml:2: prices.input is not a text; put it in quotes',
    ],
    [
      'a negative price',
      "prices:\n  input: '-1'\n",
      "/provider.yaml:2: prices.input has not the form of: In 0G, in quotes, as '0.05'",
    ],
    ['a port out of range', '\n\nlisten: { port: 70000 }\n', '/provider.yaml:3: listen.port is above 65535'],
    ['a list', '- a\n', '/provider.yaml:1: the file is not a section with settings'],
    [
      'another level',
      'log: { level: loud }\n',
      '/provider.yaml:1: log.level is none of debug, info, warn, error',
    ],
  ])('with %s is refused by line', (_name, text, message) => {
    expect(problem(text)).toBe(message)
  })

  it('that is no YAML is refused by line, and a bad variable by name', () => {
    expect(problem('listen: {\n  port: [\n')).toMatch(/^\/provider\.yaml:\d+: /)
    expect(problem('', { ZG_PROVIDER_LISTEN_TLS_KEY: 'k' })).toBe(
      'ZG_PROVIDER_LISTEN_TLS_KEY "cert" is missing',
    )
    expect(problem('', { ZG_PROVIDER_LISTEN_PORT: 'eighty' })).toBe(
      'ZG_PROVIDER_LISTEN_PORT is not a whole number',
    )
  })

  it('gives prices in neuron per token, by model where they differ', () => {
    const prices = pricesOf(
      load("prices: { input: '1', output: '2', models: { m: { input: '3', output: '4' } } }\n"),
    )
    expect(prices).toEqual({
      input: 10n ** 12n,
      output: 2n * 10n ** 12n,
      models: { m: { input: 3n * 10n ** 12n, output: 4n * 10n ** 12n } },
    })
    expect(() => pricesOf({ prices: { input: '0.0000000000001' } })).toThrow(/no whole number of neuron/)
  })

  it('gives prices by image and second, tiers, and dollars', () => {
    const config = load(`
prices:
  models: { painter: { image: '0.02' }, listener: { second: '0.0005' } }
  tiers: [{ above: 8000, input: 150, output: 200 }]
  usd: { input: '0.1', output: '0.4', rateUrl: 'https://feed.example/0g', rateField: usd, maxAge: 60 }
`)
    expect(pricesOf(config)).toMatchObject({
      models: {
        painter: { input: 0n, output: 0n, image: 2n * 10n ** 16n },
        listener: { input: 0n, output: 0n, second: 5n * 10n ** 14n },
      },
      tiers: [{ above: 8000, input: 150, output: 200 }],
      dollars: { input: 10n ** 17n, output: 4n * 10n ** 17n },
    })
    expect(rateFeedOf(config)).toEqual({
      url: 'https://feed.example/0g',
      field: 'usd',
      refreshMs: 60_000,
      maxAgeMs: 60_000,
      maxStepPercent: 20,
    })
    expect(rateFeedOf(load("prices: { usd: { input: '1', output: '1', rate: '0.5' } }\n"))).toBeNull()
  })

  it.each([
    ['half of a price by the token', { models: { m: { input: '1' } } }],
    ['no price at all', { models: { m: {} } }],
    ['dollars without a rate', { usd: { input: '1', output: '1' } }],
    ['dollars at a rate of nothing', { usd: { input: '1', output: '1', rate: '0' } }],
    ['two rates', { usd: { input: '1', output: '1', rate: '1', rateUrl: 'https://f', rateField: 'a' } }],
    ['a feed without a field', { usd: { input: '1', output: '1', rateUrl: 'https://f' } }],
    ['a dear cache', { usd: { input: '1', output: '1', cachedInput: '2', rate: '1' } }],
  ])('refuses %s', (_name, prices) => {
    expect(() => pricesOf({ prices })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it('lists more engines, each checked like the first', () => {
    const engines = [{ kind: 'url', target: 'http://a/v1', serves: { p: 'image' } }, { model: 'b.gguf' }]
    expect(load(`engines: ${JSON.stringify(engines)}\n`)).toEqual({ engines })
    expect(problem('engines:\n  - { kind: steam }\n')).toBe(
      '/provider.yaml:2: engines.kind is none of embedded, llama-server, vllm, transformers, url',
    )
  })

  it('gives limits with defaults for the rest', () => {
    const address = `0x${'AB'.repeat(20)}`
    const limits = limitsOf(
      load(
        `limits: { writeTimeout: 5, user: { concurrent: 2 }, users: { '${address}': { concurrent: 9 } } }\n`,
      ),
    )
    expect(limits).toEqual({
      ...DEFAULT_LIMITS,
      writeTimeoutMs: 5000,
      user: { ...DEFAULT_LIMITS.user, concurrent: 2 },
      users: { [address.toLowerCase()]: { concurrent: 9 } },
    })
  })
})

describe('the file that provider init writes', () => {
  it('says what was given, and nothing else counts', () => {
    const config: ProviderConfig = {
      network: 'devnet',
      listen: { host: '0.0.0.0', port: 99, url: 'https://gpu.example.org' },
      engine: { kind: 'url', target: 'http://127.0.0.1:8000/v1' },
      prices: { input: '0.08', output: '0.3' },
    }
    expect(load(renderConfig(config))).toEqual(config)
    expect(load(renderConfig({}))).toEqual({})
  })

  it('explains every setting with its default: uncommented it is valid, and changes nothing', () => {
    const names = [...JSON.stringify(ROOT).matchAll(/"(\w+)":\{/g)].map(([, name]) => name)
    const setting = new RegExp(`^( *)# ((?:${names.join('|')}): [^ ].*)$`, 'gm')
    const text = renderConfig({})
    const config = load(text.replace(setting, '$1$2'))
    expect([...text.matchAll(setting)].length).toBeGreaterThan(25)
    expect(limitsOf(config)).toEqual(DEFAULT_LIMITS)
    expect(pricesOf(config)).toMatchObject(pricesOf({}))
  })
})
