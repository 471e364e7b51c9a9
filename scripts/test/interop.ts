import { existsSync } from 'node:fs'
import { openBrokers, openProxy } from '../../test/interop/openai/scene.ts'
import type { RowResult } from '../../test/interop/support/suite.ts'
import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'

const VENV = '.venv-openai'
const PACKAGES = ['openai==3.54.0', 'pytest==9.2.0']

/** OpenAI's Python client against broker and proxy. JavaScript's is part of vitest. */
export const pythonClient = (): Part => ({
  name: "OpenAI's Python client (pytest)",
  async run() {
    const python = await runProgram('python3', ['--version'])
    if (python.code !== 0) return skipped("OpenAI's Python client: there is no python3")
    const venv = await prepareVenv()
    if (venv) return skipped(`OpenAI's Python client: ${venv}`)
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

/** @returns why it could not be made, or nothing */
async function prepareVenv(): Promise<string | undefined> {
  if (!existsSync(`${VENV}/bin/python`)) {
    const made = await runProgram('python3', ['-m', 'venv', VENV])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const pip = await runProgram(`${VENV}/bin/pip`, ['install', '-q', ...PACKAGES])
  return pip.code === 0 ? undefined : 'its packages cannot be installed'
}
