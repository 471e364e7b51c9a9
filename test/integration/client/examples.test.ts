import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExampleWorld, startExampleWorld } from '../../support/exampleWorld.ts'

let examples: ExampleWorld

beforeAll(async () => {
  examples = await startExampleWorld()
})

afterAll(() => examples?.stop())

const has = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('the example', () => {
  it('for Node buys an answer with the official OpenAI client', async () => {
    const { stdout, stderr } = await examples.runModule(['examples/node.mjs'])
    expect(stdout).toMatch(/receipt/i)
    expect(stderr).toMatch(/verdict: accepted, fee: \d+ neuron/)
  })

  it('of the SDK alone streams an answer', async () => {
    const { stdout } = await examples.runModule(['examples/stream.mjs'])
    expect(stdout).toMatch(/receipt[\s\S]*accepted \(assurance: simulated\), \d+ neuron/i)
  })

  it('in the README does what it says', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')
    const [, block] = /```js\n([\s\S]*?)```/.exec(readme)!
    expect((await examples.runModule(['--input-type=module', '--eval', block!])).stdout).toMatch(/receipt/i)
  })

  it.skipIf(!has('curl', '--version'))('for curl gets an answer through the proxy', async () => {
    const { stdout } = await examples.run('sh', ['examples/curl.sh'])
    expect(stdout).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(stdout).toMatch(/x-0g-verdict: accepted/)
  })
})
