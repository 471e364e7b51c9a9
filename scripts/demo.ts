import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Cli } from './demo/cli.ts'
import { prepareTrainer } from './demo/python.ts'
import { type DemoResult, tellStory } from './demo/story.ts'

/**
 * The main job from end to end, with the commands that a person would type: a stranger pays a stranger's machine
 * for an answer, checks it, and has a model taught something. `--json` prints one object on stdout and nothing else;
 * `--no-finetune` leaves the training out.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, finetune: { type: 'boolean', default: true } },
  allowNegative: true,
})

const home = mkdtempSync(join(tmpdir(), '0g-compute-demo-'))
const say = values.json ? () => {} : (text: string) => console.log(text)
const trainer = values.finetune ? await prepareTrainer(say) : null
const cli = new Cli(home, say, trainer?.python)
const interrupt = () => process.exit(130)
process.once('SIGINT', interrupt)
process.once('exit', () => rmSync(home, { recursive: true, force: true }))

try {
  const result: DemoResult = await tellStory(cli, { home, trainer })
  if (values.json) console.log(JSON.stringify(result))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await cli.run(['devnet', 'down']).catch(() => {})
}
