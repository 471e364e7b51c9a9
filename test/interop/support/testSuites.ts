import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenSuite, Suite } from './suite.ts'

/** The rows of `npm run interop`, a test each. `unsupported` is what software that is not ours cannot do. */
export function testSuites(...suites: readonly Suite[]): void {
  for (const suite of suites) describe(`${suite.direction}.${suite.name}`, () => testRows(suite))
}

function testRows(suite: Suite): void {
  let open: OpenSuite

  beforeAll(async () => {
    open = await suite.open()
  })

  afterAll(() => open?.close())

  it.each(suite.capabilities)('%s', async (capability) => {
    const { result, note } = await open.run(capability)
    expect(result, note).toMatch(/^(pass|unsupported)$/)
  })
}
