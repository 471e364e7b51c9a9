import type { Provider } from 'ethers'
import type { Hex } from '../base/hex.ts'

/** A contract as it is deployed. */
export interface Artifact {
  readonly abi: readonly object[]
  readonly bytecode: string
}

export interface Build {
  readonly ledger: Artifact
  readonly stakes: Artifact
  readonly inference: Artifact
  readonly fineTuning: Artifact
}

/** Stops at once: a probe that fails where this one succeeds lacks an instruction. */
const NOTHING: Hex = '0x00'
/** PUSH0, TSTORE and MCOPY, which came with Shanghai and Cancun. */
const CANCUN: Hex = '0x5f5f5d5f5f5f5e00'

/**
 * The contracts for the chain behind `provider`: those with transient storage, or a build of the same sources for
 * older chains, whose guards cost some 5,000 gas more a transaction.
 *
 * @see scripts/contracts/paris.ts
 */
export async function loadBuild(provider: Provider): Promise<Build> {
  const [ledger, stakes, inference, fineTuning, paris] = await Promise.all([
    import('./artifacts/LedgerManager.json', { with: { type: 'json' } }),
    import('./artifacts/Stakes.json', { with: { type: 'json' } }),
    import('./artifacts/InferenceServing.json', { with: { type: 'json' } }),
    import('./artifacts/FineTuningServing.json', { with: { type: 'json' } }),
    import('./artifacts/paris.json', { with: { type: 'json' } }),
  ])
  const build = {
    ledger: ledger.default,
    stakes: stakes.default,
    inference: inference.default,
    fineTuning: fineTuning.default,
  }
  if (await hasCancun(provider)) return build
  const { LedgerManager, Stakes, InferenceServing, FineTuningServing } = paris.default.bytecode
  return {
    ledger: { ...build.ledger, bytecode: LedgerManager },
    stakes: { ...build.stakes, bytecode: Stakes },
    inference: { ...build.inference, bytecode: InferenceServing },
    fineTuning: { ...build.fineTuning, bytecode: FineTuningServing },
  }
}

/** Runs the instructions as the code of a contract that is never created. */
export async function hasCancun(provider: Provider): Promise<boolean> {
  await provider.call({ data: NOTHING })
  try {
    await provider.call({ data: CANCUN })
    return true
  } catch {
    return false
  }
}
