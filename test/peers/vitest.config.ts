import { defineConfig } from 'vitest/config'

/** Tests beside programs that `npm ci` does not bring: `npm run test:all` installs them and runs these. */
export default defineConfig({
  test: {
    include: ['test/peers/**/*.test.ts'],
    testTimeout: 600_000,
    maxWorkers: 1,
  },
})
