import { Contract, ContractFactory, type HDNodeWallet, toBeHex } from 'ethers'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import fineTuning from '../../../src/chain/artifacts/FineTuningServing.json' with { type: 'json' }
import inference from '../../../src/chain/artifacts/InferenceServing.json' with { type: 'json' }
import ledger from '../../../src/chain/artifacts/LedgerManager.json' with { type: 'json' }
import stakes from '../../../src/chain/artifacts/Stakes.json' with { type: 'json' }
import type { Anvil } from '../../support/anvil.ts'

/** Seconds; short enough to wait for. */
export const LOCK_SECONDS = 5

/**
 * Deploys our contracts where the published library looks for contracts on chain 31337: the addresses that the
 * first development account deploys to with the nonces 2, 6 and 12. Part of its commands take no other.
 * @returns addresses; the deployer owns the contracts
 */
export async function deployWhereTheyLook(anvil: Anvil, deployer: HDNodeWallet) {
  const serving = (addresses: { ledger: string; stakes: string }) => ({
    ...addresses,
    owner: deployer.address,
    lockTime: LOCK_SECONDS,
    minLockTime: LOCK_SECONDS,
    minProviderStake: ONE_0G,
  })
  const at = async (nonce: number, artifact: { abi: object[]; bytecode: string }, ...args: unknown[]) => {
    await anvil.rpc.send('anvil_setNonce', [deployer.address, toBeHex(nonce)])
    const contract = await new ContractFactory(artifact.abi, artifact.bytecode, deployer).deploy(...args)
    await contract.waitForDeployment()
    return (await contract.getAddress()) as Address
  }
  const ledgerAt = await at(2, ledger, deployer.address)
  const stakesAt = await at(3, stakes, LOCK_SECONDS)
  const parts = serving({ ledger: ledgerAt, stakes: stakesAt })
  const inferenceAt = await at(6, inference, parts)
  const fineTuningAt = await at(12, fineTuning, parts, 30)
  const registry = new Contract(ledgerAt, ledger.abi, deployer)
  for (const [type, address] of [
    ['inference', inferenceAt],
    ['fine-tuning', fineTuningAt],
  ]) {
    await (await registry.getFunction('registerService')(type, 'v1.0', address, type)).wait()
  }
  return { ledger: ledgerAt, inference: inferenceAt, fineTuning: fineTuningAt }
}
