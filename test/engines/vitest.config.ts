import { defineConfig } from 'vitest/config'

/** Engines that are Python programs: `npm run test:all` installs them and runs these. */
export default defineConfig({
  test: { include: ['test/engines/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxWorkers: 1 },
})
