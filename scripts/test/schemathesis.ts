import { existsSync } from 'node:fs'
import { openBrokers, openProxy } from '../../test/interop/openai/scene.ts'
import { type Part, skipped, type Tally } from './part.ts'
import { runProgram } from './spawn.ts'

const VENV = '.venv-schemathesis'
const PACKAGE = 'schemathesis==4.32.5'
/** What an engine or the market refuses for reasons of its own is in no schema. */
const NOT_CHECKED = 'positive_data_acceptance'

/** The OpenAPI documents of broker and proxy, asked with everything that they allow and much that they do not. */
export const schemathesis = (): Part => ({
  name: 'OpenAPI documents (schemathesis)',
  async run() {
    const python = await runProgram('python3', ['--version'])
    if (python.code !== 0) return skipped('schemathesis: there is no python3')
    const venv = await prepareVenv()
    if (venv) return skipped(`schemathesis: ${venv}`)
    const results = [await check(openBrokers), await check(openProxy)]
    const passed = results.filter((isGood) => isGood).length
    return { passed, failed: results.length - passed, skips: [] } satisfies Tally
  },
})

async function check(open: typeof openBrokers): Promise<boolean> {
  const scene = await open()
  try {
    const { baseURL, key } = scene.demo
    const { code, output } = await runProgram(`${VENV}/bin/schemathesis`, [
      'run',
      new URL('/openapi.json', baseURL).href,
      ...['--header', `Authorization: Bearer ${key}`],
      ...['--exclude-checks', NOT_CHECKED, '--max-examples', '30'],
      ...['--generation-deterministic', '--no-color'],
    ])
    const hasRun = /\d+ generated, \d+ passed/.test(output)
    if (code !== 0 || !hasRun) console.log(output)
    return code === 0 && hasRun
  } finally {
    await scene.stop()
  }
}

/** @returns why it could not be made, or nothing */
async function prepareVenv(): Promise<string | undefined> {
  if (!existsSync(`${VENV}/bin/python`)) {
    const made = await runProgram('python3', ['-m', 'venv', VENV])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const pip = await runProgram(`${VENV}/bin/pip`, ['install', '-q', PACKAGE])
  return pip.code === 0 ? undefined : 'its package cannot be installed'
}
