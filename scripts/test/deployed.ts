import type { Part } from './part.ts'
import { vitest } from './vitest.ts'

const FOLDERS = ['test/integration/broker', 'test/integration/client', 'test/e2e']

/** They choose their contracts themselves, need what only ours can do, or come before any contract. */
const SAME = [
  'test/integration/client/disputes.test.ts',
  'test/integration/client/escrow.test.ts',
  'test/integration/client/funding.test.ts',
  'test/integration/client/vouchers.test.ts',
  'test/e2e/devnet.test.ts',
  'test/e2e/devnetFails.test.ts',
  'test/e2e/vouchers.test.ts',
]

/** Provider, client and end to end once more, on the live network's bytecode instead of this project's contracts. */
export const deployed = (): Part => ({
  ...vitest([...FOLDERS, ...SAME.flatMap((file) => ['--exclude', file])], { CONTRACTS: 'theirs' }),
  name: 'on the deployed contracts (vitest)',
})
