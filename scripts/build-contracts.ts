import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fragment } from 'ethers'
import { buildParis, parisHash } from './contracts/paris.ts'

/**
 * Compiles the contracts and writes what ships: `src/chain/artifacts/<name>.json` with ABI and bytecode, and
 * `paris.json` with the bytecode for chains of before Cancun.
 * With `--check` it writes nothing and fails when what lies there is stale.
 */

/** A serving contract creates its desk and calls it by `delegatecall`: one address, one ABI. */
const CONTRACTS: readonly { readonly name: string; readonly desk?: string }[] = [
  { name: 'LedgerManager' },
  { name: 'Stakes' },
  { name: 'InferenceServing', desk: 'InferenceDesk' },
  { name: 'FineTuningServing', desk: 'FineTuningDesk' },
]
const ROOT = join(import.meta.dirname, '..')
const OUT = join(ROOT, 'src/chain/artifacts')
/** EIP-170. */
const MAX_RUNTIME_BYTES = 24_576

interface AbiEntry {
  readonly type: string
  readonly name?: string
}

interface ForgeArtifact {
  readonly abi: readonly AbiEntry[]
  readonly storageLayout: { readonly storage: readonly { label: string; slot: string; offset: number }[] }
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

/** A function, event or error by its canonical form. */
const formOf = (entry: AbiEntry): string => Fragment.from(entry).format('sighash')

/** The contract's own entries, then those of its desk that it lacks. */
function mergedAbi(own: ForgeArtifact, desk: ForgeArtifact | undefined): readonly AbiEntry[] {
  const known = new Set(own.abi.filter((entry) => entry.name).map(formOf))
  const more = (desk?.abi ?? []).filter((entry) => entry.name && !known.has(formOf(entry)))
  return [...own.abi, ...more]
}

/** Both pieces of code have to see the same state. */
function checkLayout(name: string, own: ForgeArtifact, desk: ForgeArtifact): void {
  const layout = ({ storageLayout }: ForgeArtifact): string =>
    storageLayout.storage.map(({ label, slot, offset }) => `${slot}+${offset} ${label}`).join('\n')
  if (layout(own) !== layout(desk)) throw new Error(`${name} and its desk lay their state out differently`)
}

/** One ABI entry a line: a change of the ABI reads well in a diff. */
function render(name: string, abi: readonly AbiEntry[], bytecode: string): string {
  const entries = abi.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
  return `{\n  "contractName": "${name}",\n  "abi": [\n${entries}\n  ],\n  "bytecode": "${bytecode}"\n}\n`
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return fallback
  }
}

function reportSize(name: string, artifact: ForgeArtifact): void {
  const size = runtimeSize(artifact)
  if (size > MAX_RUNTIME_BYTES) throw new Error(`${name}: ${size} bytes, more than EIP-170 allows`)
  console.log(`${name.padEnd(18)} ${size} of ${MAX_RUNTIME_BYTES} bytes`)
}

const check = process.argv.includes('--check')
build()
mkdirSync(OUT, { recursive: true })
for (const { name, desk } of CONTRACTS) {
  const artifact = readForge(name)
  const deskArtifact = desk === undefined ? undefined : readForge(desk)
  if (deskArtifact) checkLayout(name, artifact, deskArtifact)
  reportSize(name, artifact)
  if (desk && deskArtifact) reportSize(desk, deskArtifact)

  const path = join(OUT, `${name}.json`)
  const text = render(name, mergedAbi(artifact, deskArtifact), artifact.bytecode.object)
  if (check && readOr(path, '') !== text) {
    throw new Error(`${path} is stale: run \`node scripts/build-contracts.ts\``)
  }
  if (!check) writeFileSync(path, text)
}

const parisPath = join(OUT, 'paris.json')
const names = CONTRACTS.map(({ name }) => name)
const present: { sha256?: string } = JSON.parse(readOr(parisPath, '{}'))
if (present.sha256 !== parisHash(names)) {
  if (check) throw new Error(`${parisPath} is stale: run \`node scripts/build-contracts.ts\``)
  writeFileSync(parisPath, `${JSON.stringify(buildParis(names, MAX_RUNTIME_BYTES), null, 2)}\n`)
}
