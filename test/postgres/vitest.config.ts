import { defineConfig } from 'vitest/config'

/** Tests that need a PostgreSQL server: `npm run test:all` installs one and runs them. */
export default defineConfig({
  test: {
    include: ['test/postgres/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // The usual second is too short for a machine that is busy.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 1,
  },
})
