import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: 'test/globalSetup.ts',
    include: ['test/{unit,attestation,integration,interop,e2e}/**/*.test.ts'],
    // Far beyond what any of them needs: a busy machine makes none fail that only takes its time.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 20_000 } },
    // Two workers: these suites start chains and engines, and machines may have two cores.
    maxWorkers: 2,
  },
})
