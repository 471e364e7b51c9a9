import { openBrokers, openProxy } from '../../test/interop/openai/scene.ts'
import { type Part, skipped, type Tally } from './part.ts'
import { runProgram } from './spawn.ts'
import { installInto } from './venv.ts'

const VENV = '.venv-schemathesis'
const PACKAGE = 'schemathesis==4.32.5'
/** What an engine or the market refuses for reasons of its own is in no schema. */
const NOT_CHECKED = 'positive_data_acceptance'

/** The OpenAPI documents of broker and proxy, asked with everything that they allow and much that they do not. */
export const schemathesis = (): Part => ({
  name: 'OpenAPI documents (schemathesis)',
  async run() {
    const problem = await installInto(VENV, [PACKAGE])
    if (problem) return skipped(`schemathesis: ${problem}`)
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
