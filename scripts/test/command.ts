import type { Part } from './part.ts'
import { runProgram } from './spawn.ts'

/** A check that passes when its program exits 0; what it printed is shown when it does not. */
export const command = (name: string, file: string, args: readonly string[]): Part => ({
  name,
  async run() {
    const { code, output } = await runProgram(file, args)
    if (code !== 0) console.log(output)
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skips: [] }
  },
})
