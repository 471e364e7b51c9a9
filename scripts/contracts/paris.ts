import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/**
 * The contracts for a chain without transient storage, MCOPY and PUSH0 (before Cancun): the same sources, with the
 * guards in storage instead. Three texts change, nothing else:
 *
 * 1. `transient` variables of the ledger become ordinary ones;
 * 2. OpenZeppelin's `ReentrancyGuardTransient` becomes its `ReentrancyGuard`;
 * 3. `mcopy` in OpenZeppelin functions that no contract uses becomes a marker, which must not be in the result.
 */
const ROOT = join(import.meta.dirname, '../..')
const MARKER = createHash('sha256').update('code that must not be reachable').digest('hex')

/** With arguments nested up to three deep. */
const MCOPY = /\bmcopy\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g

export interface ParisBuild {
  /** Of all sources as compiled, and the settings. */
  readonly sha256: string
  /** Creation bytecode by contract. */
  readonly bytecode: Readonly<Record<string, string>>
}

interface Code {
  readonly object: string
}

interface SolcOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<
    Record<
      string,
      Record<string, { readonly evm: { readonly bytecode: Code; readonly deployedBytecode: Code } }>
    >
  >
}

/** Hash of what `buildParis` would compile: tells without compiling whether its result is stale. */
export function parisHash(contracts: readonly string[]): string {
  return createHash('sha256').update(inputFor(contracts)).digest('hex')
}

/**
 * @param contracts names of the files in `contracts/`
 * @param maxRuntimeBytes refused above
 */
export function buildParis(contracts: readonly string[], maxRuntimeBytes: number): ParisBuild {
  const input = inputFor(contracts)
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/solc'), ['--standard-json'], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`solc failed: ${stderr}`)
  const output: SolcOutput = JSON.parse(stdout)
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (errors.length) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))

  const bytecode: Record<string, string> = {}
  for (const [file, found] of Object.entries(output.contracts)) {
    for (const [name, { evm }] of Object.entries(found)) {
      if (!contracts.includes(name) || file !== pathOf(name)) continue
      if (evm.bytecode.object.includes(MARKER)) throw new Error(`${name} uses a function with MCOPY`)
      if (evm.deployedBytecode.object.length / 2 > maxRuntimeBytes)
        throw new Error(`${name} is too large for EIP-170 without Cancun`)
      bytecode[name] = `0x${evm.bytecode.object}`
    }
  }
  return { sha256: parisHash(contracts), bytecode }
}

function inputFor(contracts: readonly string[]): string {
  return JSON.stringify({
    language: 'Solidity',
    sources: sourcesOf(contracts.map(pathOf)),
    settings: {
      evmVersion: 'paris',
      viaIR: true,
      optimizer: { enabled: true, runs: 10_000 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      remappings: ['@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/'],
      outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  })
}

const pathOf = (name: string): string => `contracts/${name}.sol`

/** The files and all that they import, transformed. */
function sourcesOf(roots: readonly string[]): Record<string, { readonly content: string }> {
  const found: Record<string, { readonly content: string }> = {}
  const waiting = [...roots]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found[path]) continue
    const content = transform(path, readFileSync(join(ROOT, path), 'utf8'))
    found[path] = { content }
    for (const [, target = ''] of content.matchAll(/^import [^;]*?"([^"]+)";/gms))
      waiting.push(resolveImport(path, target))
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function resolveImport(from: string, target: string): string {
  return target.startsWith('.') ? posix.join(dirname(from), target) : `node_modules/${target}`
}

function transform(path: string, source: string): string {
  if (path.startsWith('node_modules/')) return source.replaceAll(MCOPY, `mstore(0, 0x${MARKER})`)
  return source
    .replaceAll(/\b(private|internal) transient\b/g, '$1')
    .replaceAll('ReentrancyGuardTransient', 'ReentrancyGuard')
}
