import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Compiles the contracts and writes what ships: `src/chain/artifacts/<name>.json` with ABI and bytecode.
 * With `--check` it writes nothing and fails when what lies there is stale.
 */

const CONTRACTS = ['LedgerManager', 'InferenceServing', 'FineTuningServing', 'Stakes']
const ROOT = join(import.meta.dirname, '..')
const OUT = join(ROOT, 'src/chain/artifacts')
/** EIP-170. */
const MAX_RUNTIME_BYTES = 24_576

interface ForgeArtifact {
  readonly abi: readonly object[]
  readonly bytecode: { readonly object: string }
  readonly deployedBytecode: { readonly object: string }
}

function build(): void {
  const { status } = spawnSync('forge', ['build', 'contracts', '--color', 'never', '--quiet'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error('forge build failed')
}

const runtimeSize = (artifact: ForgeArtifact): number => (artifact.deployedBytecode.object.length - 2) / 2

const readForge = (name: string): ForgeArtifact =>
  JSON.parse(readFileSync(join(ROOT, `out/${name}.sol/${name}.json`), 'utf8'))

/** One ABI entry a line: a change of the ABI reads well in a diff. */
function render(name: string, { abi, bytecode }: ForgeArtifact): string {
  const entries = abi.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
  return `{\n  "contractName": "${name}",\n  "abi": [\n${entries}\n  ],\n  "bytecode": "${bytecode.object}"\n}\n`
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return fallback
  }
}

const check = process.argv.includes('--check')
build()
mkdirSync(OUT, { recursive: true })
for (const name of CONTRACTS) {
  const artifact = readForge(name)
  const path = join(OUT, `${name}.json`)
  const text = render(name, artifact)
  const size = runtimeSize(artifact)
  if (size > MAX_RUNTIME_BYTES) throw new Error(`${name}: ${size} bytes, more than EIP-170 allows`)
  if (check && readOr(path, '') !== text) {
    throw new Error(`${path} is stale: run \`node scripts/build-contracts.ts\``)
  }
  if (!check) writeFileSync(path, text)
  console.log(`${name.padEnd(18)} ${size} of ${MAX_RUNTIME_BYTES} bytes`)
}
