import { openBrokers, openProxy } from '../../test/interop/openai/scene.ts'
import type { RowResult } from '../../test/interop/support/suite.ts'
import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { installInto, OPENAI_FOR_PYTHON } from './venv.ts'

const VENV = '.venv-openai'
const PACKAGES = [OPENAI_FOR_PYTHON, 'pytest==9.2.0']

/** OpenAI's Python client against broker and proxy. JavaScript's is part of vitest. */
export const pythonClient = (): Part => ({
  name: "OpenAI's Python client (pytest)",
  async run() {
    const problem = await installInto(VENV, PACKAGES)
    if (problem) return skipped(`OpenAI's Python client: ${problem}`)
    const [broker, proxy] = [await openBrokers(), await openProxy()]
    try {
      const scenes = JSON.stringify({ broker, proxy })
      const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/interop/python']
      const { output } = await runProgram(`${VENV}/bin/python`, args, { INTEROP_SCENES: scenes })
      const passed = Number(/(\d+) passed/.exec(output)?.[1] ?? 0)
      const failed = Number(/(\d+) (?:failed|error)/.exec(output)?.[1] ?? (passed ? 0 : 1))
      if (failed) console.log(output)
      return { passed, failed, skips: [] }
    } finally {
      await broker.stop()
      await proxy.stop()
    }
  },
})

/** Rows of `npm run interop` that train; the others are part of vitest. */
export const trainedInterop = (): Part => ({
  name: 'fine-tuning with the software of others (interop)',
  async run() {
    const { why } = await prepareTrainer(() => {})
    if (why) return skipped(`fine-tuning with the software of others: ${why}`)
    const rows = [...(await rowsOf('ours-on-theirs.finetune')), ...(await rowsOf('theirs-on-ours.finetune'))]
    const failed = rows.filter(({ result }) => result === 'fail')
    for (const { id, note } of failed) console.log(`${id}: ${note}`)
    return { passed: rows.length - failed.length, failed: rows.length ? failed.length : 1, skips: [] }
  },
})

async function rowsOf(only: string): Promise<readonly RowResult[]> {
  const { output } = await runProgram('node', ['scripts/interop.ts', '--json', '--only', only])
  const line = output.split('\n').find((text) => text.startsWith('{"bench":"interop"'))
  if (!line) console.log(output)
  return line ? JSON.parse(line).results : []
}
