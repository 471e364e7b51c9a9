import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Fragment, Interface, type InterfaceAbi } from 'ethers'
import { describe, expect, it } from 'vitest'
import fineTuning from '../../src/chain/artifacts/FineTuningServing.json' with { type: 'json' }
import inference from '../../src/chain/artifacts/InferenceServing.json' with { type: 'json' }
import ledger from '../../src/chain/artifacts/LedgerManager.json' with { type: 'json' }

const PACKAGE = '@0gfoundation/0g-compute-ts-sdk'
const require = createRequire(import.meta.url)

const CONTRACTS = [
  { folder: 'ledger', ours: ledger, fragments: 66 },
  { folder: 'inference', ours: inference, fragments: 76 },
  { folder: 'fine-tuning', ours: fineTuning, fragments: 82 },
] as const

/** The ABI inside the deployed network's SDK. */
function theirs(folder: string, name: string): InterfaceAbi {
  const sdk = require
    .resolve(PACKAGE)
    .replace(/(node_modules\/@0gfoundation\/0g-compute-ts-sdk\/).*/, '$1lib.commonjs')
  const factory = require(`${sdk}/${folder}/contract/typechain/factories/${name}__factory.js`)
  return factory[`${name}__factory`].abi
}

/** Names of parameters, indexed flags and mutability count; the constructor does not: ours takes parameters. */
const describeAll = (abi: InterfaceAbi): string[] =>
  new Interface(abi).fragments
    .filter((fragment: Fragment) => fragment.type !== 'constructor')
    .map((fragment) => fragment.format('full'))

describe.each(CONTRACTS)('$ours.contractName', ({ folder, ours, fragments }) => {
  const deployed = describeAll(theirs(folder, ours.contractName))
  const own = new Set(describeAll(ours.abi))

  it('is compared with the whole deployed ABI', () => {
    expect(deployed).toHaveLength(fragments)
  })

  it.each(deployed)('has %s', (fragment) => {
    expect(own).toContain(fragment)
  })

  it('fits EIP-170 and carries no unlinked library', () => {
    expect(ours.bytecode).toMatch(/^0x[0-9a-f]+$/)
  })
})

describe('the specification', () => {
  /** Rows `| `0x…` | `signature` |` of sections 1.6 and 1.7, under the heading of their contract. */
  const rows = [
    ...readFileSync(new URL('../fixtures/deployed-abi.md', import.meta.url), 'utf8').matchAll(
      /^\| (\w+) \| (\w+) \| `(0x[0-9a-f]+)` \| `(.+)` \|$/gm,
    ),
  ].map(([, contract, kind, id, signature]) => ({ contract, kind, id, signature }))
  const interfaces = new Map(
    CONTRACTS.map(({ ours }) => [ours.contractName as string, new Interface(ours.abi)]),
  )

  it('lists every selector and topic', () => {
    expect(rows).toHaveLength(224)
  })

  it.each(rows)('$contract $kind $id is $signature', ({ contract, kind, id, signature }) => {
    const abi = interfaces.get(contract!)!
    const name = signature!.slice(0, signature!.indexOf('('))
    if (kind === 'event') expect(abi.getEvent(id!)?.name).toBe(name)
    else if (kind === 'error') expect(abi.getError(id!)?.name).toBe(name)
    else expect(abi.getFunction(id!)?.name).toBe(name)
  })
})
