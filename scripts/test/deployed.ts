import type { Part } from './part.ts'
import { vitest } from './vitest.ts'

/** The broker's tests once more, on the live network's bytecode instead of this project's contracts. */
export const deployed = (): Part => ({
  ...vitest(['test/integration/broker'], { CONTRACTS: 'theirs' }),
  name: 'broker on the deployed contracts (vitest)',
})
