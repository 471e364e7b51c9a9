import { defineConfig } from 'vitest/config'

/** Examples that need packages of their own: `npm run test:all` installs these and runs them. */
export default defineConfig({
  test: {
    include: ['test/examples/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
})
