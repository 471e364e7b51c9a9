import type { Contract } from 'ethers'
import { type Address, sameAddress } from '../base/hex.ts'
import { supportsInterface } from './supportsInterface.ts'

/** ERC-165 id of `IBatchSettlement`: batches, epochs and a payee, beside the deployed ABI. */
export const BATCH_SETTLEMENT_ID = '0x1c7ee00d'

/** What batches and vouchers know of a sub-account. */
export interface Settled {
  /** Taken in all, neuron; survives closing. */
  readonly settled: bigint
  /** Number of the statement that took it. */
  readonly upTo: number
  /** Number of the signer that took it. */
  readonly version: number
  /** How the account is settled, for ever: not decided yet, by batches, or by vouchers. */
  readonly mode: 'none' | 'batch' | 'voucher'
}

const MODES = ['none', 'batch', 'voucher'] as const

/** Whether a serving contract settles batches and counts epochs; the deployed one does not. Asked once. */
export const hasBatches = (inference: Contract): Promise<boolean> =>
  supportsInterface(inference, BATCH_SETTLEMENT_ID)

/** What batches and vouchers took of a user, as of a block, default the newest. All zero where nothing was. */
export async function readSettled(
  inference: Contract,
  user: Address,
  provider: Address,
  blockTag: number | 'latest' = 'latest',
): Promise<Settled> {
  const [settled, upTo, version, mode] = await inference
    .getFunction('settledOf')
    .staticCall(user, provider, { blockTag })
  return { settled, upTo: Number(upTo), version: Number(version), mode: MODES[Number(mode)] ?? 'none' }
}

/** What a settlement could take of a sub-account now, neuron: refunds that have matured are the user's. */
export const readSpendable = (inference: Contract, user: Address, provider: Address): Promise<bigint> =>
  inference.getFunction('spendableOf').staticCall(user, provider)

/** The epoch that the numbers of a provider's statements belong to, as of a block, default the newest. */
export const readEpoch = async (
  inference: Contract,
  provider: Address,
  blockTag: number | 'latest' = 'latest',
): Promise<number> => Number(await inference.getFunction('epochOf').staticCall(provider, { blockTag }))

/** Whether an address ever was the signer of a provider: what it signed before counts. */
export async function isKnownSigner(
  inference: Contract,
  provider: Address,
  signer: Address,
): Promise<boolean> {
  // Without a TEE the provider signs for itself, from its registration on.
  if (sameAddress(provider, signer)) return inference.getFunction('serviceExists').staticCall(provider)
  const [present] = await inference.getFunction('signerOf').staticCall(provider)
  if (sameAddress(present, signer)) return true
  const [version] = await inference.getFunction('signerRecord').staticCall(provider, signer)
  return version > 0n
}
