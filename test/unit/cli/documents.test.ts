import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { parse } from '../../../src/cli/framework/parse.ts'
import { route } from '../../../src/cli/framework/route.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Command lines of ours in the shell blocks of a document. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'))
  return blocks.flatMap(
    (line) => line.replace(/ +#.*$/, '').match(/(?<=^|\$\(|\| )0g-compute [^)|<>]*/g) ?? [],
  )
}

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain!,
  )

async function assertRuns(line: string): Promise<void> {
  const [, ...argv] = wordsOf(line)
  const { entry, rest } = route(argv, COMMANDS)
  expect(entry, line).not.toBeNull()
  const { command } = await entry!.load()
  const parsed = parse(entry!, command, rest)
  expect(typeof parsed, line).toBe('object')
}

const PAGES = ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).sort()]
  .map((path) => [path, commandsIn(readFileSync(join(ROOT, path), 'utf8'))] as const)
  .filter(([, commands]) => commands.length > 0)

it('pages that show commands are read', () => {
  const paths = PAGES.map(([path]) => path)
  for (const page of ['FINETUNING', 'MIGRATION', 'PROVIDER', 'TRUST', 'USING'])
    expect(paths).toContain(`docs/${page}.md`)
})

describe.each(PAGES)('%s', (_path, commands) => {
  it.each(commands)('%s', assertRuns)
})

describe('examples in help', () => {
  it.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
    'of %s are of that command, and it takes them',
    async (_, entry) => {
      const { examples } = (await entry.load()).command
      expect(examples.length).toBeGreaterThan(0)
      for (const example of examples) {
        for (const line of example.match(/0g-compute [^)|>]*/g) ?? []) {
          if (!line.includes('…')) await assertRuns(line.replace(/ < .*/, ''))
        }
      }
    },
  )
})
