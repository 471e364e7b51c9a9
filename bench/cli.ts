import { measureInferBefore } from './cli/inferBefore.ts'
import { buildCopy, measurePackage } from './cli/packed.ts'
import { measureStartup } from './cli/startup.ts'
import { type Result, report } from './report.ts'

/** A part that cannot run here is a result with a reason. */
async function attempt(
  ids: readonly string[],
  unit: string,
  run: () => Result[] | Promise<Result[]>,
): Promise<Result[]> {
  try {
    return await run()
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0]! : String(error)
    return ids.map((id) => ({ id, subject: 'ours', value: null, unit, why }))
  }
}

const copy = buildCopy()
process.once('exit', () => copy.remove())
const results = [
  ...measureStartup(copy.program),
  ...(await attempt(['inferBefore'], 'ms', async () => [await measureInferBefore(copy.program)])),
  ...(await attempt(['tarball', 'install', 'packages'], 'MB', () => measurePackage(copy))),
]

const median = (id: string) => results.find((result) => result.id === id)!.value!
report({ bench: 'cli', results }, [
  `--help costs ${(median('help') / median('node')).toFixed(2)} times node -e 0`,
  `--version costs ${(median('version') / median('node')).toFixed(2)} times node -e 0`,
  `infer adds ${(median('inferBefore') - median('node')).toFixed(0)} ms to node -e 0 before its request leaves`,
])
