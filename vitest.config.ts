import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/globalSetup.ts',
    include: ['test/{unit,attestation,integration,interop,e2e}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The usual second is too short for a machine that is busy.
    expect: { poll: { timeout: 20_000 } },
    // Two workers: these suites start chains and engines, and machines may have two cores.
    maxWorkers: 2,
  },
})
