import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExampleWorld, startExampleWorld } from '../support/exampleWorld.ts'

const HOOKS = [join(import.meta.dirname, 'fromExtras.mjs')]
/** A Python that has the official client. */
const PYTHON = process.env.ZG_TEST_PYTHON ?? '.venv/bin/python'

let examples: ExampleWorld

beforeAll(async () => {
  examples = await startExampleWorld()
})

afterAll(() => examples?.stop())

describe('the example', () => {
  it.each([
    ['LangChain.js', 'examples/langchain.mjs'],
    ['the Vercel AI SDK', 'examples/vercel-ai.mjs'],
  ])('for %s buys an answer', async (_name, file) => {
    const { stdout, stderr } = await examples.runModule([file], HOOKS)
    expect(stdout).toMatch(/receipt/i)
    expect(stderr).toMatch(/verdict: accepted, fee: \d+ neuron/)
  })

  it('for Python gets an answer through the proxy with the official client', async () => {
    const { stdout } = await examples.run(PYTHON, ['examples/openai_client.py'])
    expect(stdout).toMatch(/receipt[\s\S]*\naccepted \d+ neuron\n$/i)
  })
})
