import { defineConfig } from 'vitest/config'

/** Tests that need a Ray cluster: `npm run test:all` installs Ray, and the tests start a head of their own. */
export default defineConfig({
  test: {
    include: ['test/ray/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
})
