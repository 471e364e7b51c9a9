import { defineConfig } from 'vitest/config'

/** Tests in a real browser: `npm run test:all` runs them where there is a Chromium. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
})
