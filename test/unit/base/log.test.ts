import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { jsonLogger } from '../../../src/base/log.ts'

function lineOf(event: string, fields: object): Record<string, unknown> {
  const lines: string[] = []
  jsonLogger((line) => lines.push(line)).info(event, fields as never)
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0]!)
}

const KEY = `0x${'4c0883a6'.repeat(8)}`

it('writes a line of JSON with time, level, event and figures', () => {
  const user = `0x${'ab'.repeat(20)}`
  const line = lineOf('settlement_paid', {
    user,
    paid: 10n ** 20n,
    nonce: 3,
    txHash: KEY,
    done: true,
    none: null,
  })
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    event: 'settlement_paid',
    user,
    paid: '100000000000000000000',
    nonce: 3,
    txHash: KEY,
    done: true,
    none: null,
  })
})

it.each([
  ['a prompt under a name of its own', { prompt: 'canary' }],
  ['a prompt under a known name', { code: 'tell me a canary' }],
  ['a word that is no address', { user: 'canary' }],
  ['an object', { model: { text: 'canary' } }],
  ['an array', { id: ['canary'] }],
])('cannot be made to write %s', (_name, fields) => {
  expect(JSON.stringify(lineOf('event', fields))).not.toContain('canary')
})

it('strikes keys and tokens out of sentences and words', () => {
  const line = lineOf(`failed with ${KEY}`, {
    reason: `token app-sk-AAAA and key ${KEY.slice(2)} and more`,
    model: KEY,
    error: KEY.slice(2),
  })
  expect(JSON.stringify(line)).not.toMatch(/4c0883a6|AAAA/)
  expect(line.reason).toBe('token [withheld] and key [withheld] and more')
})

it('is told nothing in the sources that it would withhold: every name of a text is listed', () => {
  const listed = readFileSync('src/base/logFields.ts', 'utf8')
  const names = new Set<string>()
  for (const file of globSync('src/{provider,chain,cli}/**/*.ts')) {
    for (const [, fields] of readFileSync(file, 'utf8').matchAll(
      /log(?:ger)?\.(?:info|warn|error|debug)\(\s*['`][^'`]*['`],\s*\{([^}]*)\}/g,
    )) {
      for (const [, name] of fields!.matchAll(
        /(?:^|,)\s*(reason|message|error|code|user|signer|txHash|model|action|host|url|id)\b/g,
      ))
        names.add(name!)
    }
  }
  expect(names.size).toBeGreaterThan(4)
  for (const name of names) expect(listed, name).toMatch(new RegExp(`\\b${name}\\b`))
})
