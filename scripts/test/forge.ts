import type { Part } from './part.ts'
import { runProgram } from './spawn.ts'

/** Foundry's tests of the contracts. */
export const forge = (): Part => ({
  name: 'contracts (forge test)',
  async run() {
    const { output } = await runProgram('forge', ['test', '--color', 'never'], {
      FOUNDRY_DISABLE_NIGHTLY_WARNING: '1',
    })
    const total = /(\d+) tests passed, (\d+) failed, (\d+) skipped/.exec(output)
    if (total?.[2] !== '0') console.log(output.slice(-8000))
    if (!total) return { passed: 0, failed: 1, skips: [] }
    const skips = Array.from({ length: Number(total[3]) }, () => 'a forge test')
    return { passed: Number(total[1]), failed: Number(total[2]), skips }
  },
})
