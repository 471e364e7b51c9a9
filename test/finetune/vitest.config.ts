import { defineConfig } from 'vitest/config'

/** Tests that train: `npm run test:all` makes a virtual environment with the trainer's packages and runs them. */
export default defineConfig({
  test: {
    globalSetup: 'test/globalSetup.ts',
    include: ['test/finetune/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // The usual second is too short for a machine that is busy.
    expect: { poll: { timeout: 20_000 } },
    // One at a time: a training takes every core.
    maxWorkers: 1,
  },
})
