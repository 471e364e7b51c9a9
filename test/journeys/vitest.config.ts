import { defineConfig } from 'vitest/config'

/** What takes minutes, a registry, or a machine of its own: `npm run test:all` runs these. */
export default defineConfig({
  test: {
    include: ['test/journeys/**/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
})
