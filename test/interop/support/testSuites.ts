import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenSuite, Suite } from './suite.ts'

/** The rows of `npm run interop`, a test each. `unsupported` is what software that is not ours cannot do. */
export function testSuites(...suites: readonly Suite[]): void {
  for (const suite of suites) describe(`${suite.direction}.${suite.name}`, () => testRows(suite))
}

/** A row may start many programs of others, one after the other. */
const PATIENCE_MS = 300_000

function testRows(suite: Suite): void {
  let open: OpenSuite

  beforeAll(async () => {
    open = await suite.open()
  }, PATIENCE_MS)

  afterAll(() => open?.close())

  const run = async (capability: string) => {
    const { result, note } = await open.run(capability)
    expect(result, note).toMatch(/^(pass|unsupported)$/)
  }
  it.each(suite.capabilities)('%s', run, PATIENCE_MS)
}
