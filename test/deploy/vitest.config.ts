import { defineConfig } from 'vitest/config'

/** A container: `npm run test:all` builds the image and runs these. */
export default defineConfig({
  test: {
    include: ['test/deploy/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    maxWorkers: 1,
  },
})
