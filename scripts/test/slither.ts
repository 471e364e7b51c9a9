import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { installInto } from './venv.ts'

const VENV = '.venv-slither'
const PACKAGE = 'slither-analyzer==0.11.6'
const BUILD_INFO = `${VENV}/build-info`
const OPENZEPPELIN = '@openzeppelin/contracts/'

/** Static analysis of the contracts: `slither.config.json` says what fails. */
export const slither = (): Part => ({
  name: 'contracts (slither)',
  async run() {
    const problem = await installInto(VENV, [PACKAGE])
    if (problem) return skipped(`slither: ${problem}`)
    writeSyntaxTrees()
    const args = ['.', '--ignore-compile', '--foundry-build-info-directory', BUILD_INFO]
    const { code, output } = await runProgram(`${VENV}/bin/slither`, args)
    const analysed = /analyzed \(\d+ contracts/.test(output)
    const failed = code === 0 && analysed ? 0 : Math.max(1, Number(/, (\d+) result/.exec(output)?.[1] ?? 1))
    if (failed) console.log(output)
    return { passed: failed ? 0 : 1, failed, skips: [] }
  },
})

/**
 * What Slither reads of a build: syntax trees, in the place and form in which Foundry keeps them. It needs no
 * bytecode, so this takes seconds and no native compiler.
 */
function writeSyntaxTrees(): void {
  const sources = Object.fromEntries(globSync('contracts/**/*.sol').map((path) => [path, readSource(path)]))
  const settings = {
    remappings: [`${OPENZEPPELIN}=node_modules/${OPENZEPPELIN}`],
    evmVersion: 'cancun',
    outputSelection: { '*': { '': ['ast'], '*': ['abi', 'userdoc', 'devdoc'] } },
  }
  const input = { language: 'Solidity', sources, settings }
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path: string) => ({ contents: readSource(path).content }),
    }),
  ) as Compiled
  const broken = output.errors?.find((error) => error.severity === 'error')
  if (broken) throw new Error(broken.formattedMessage)

  const none = { object: '', sourceMap: '' }
  for (const contract of Object.values(output.contracts).flatMap((file) => Object.values(file)))
    contract.evm = { bytecode: none, deployedBytecode: none }
  mkdirSync(BUILD_INFO, { recursive: true })
  const solcVersion = /^\d+\.\d+\.\d+/.exec(solc.version())![0]
  writeFileSync(join(BUILD_INFO, 'contracts.json'), JSON.stringify({ solcVersion, input, output }))
}

const readSource = (path: string): { readonly content: string } => ({ content: readFileSync(path, 'utf8') })

interface Compiled {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Record<string, Record<string, { evm?: object }>>
}
