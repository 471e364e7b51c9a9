import { join } from 'node:path'
import type { Address } from '../../base/hex.ts'
import type { Turn } from '../../base/mutex.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { FileTurn } from '../fileTurn.ts'

/** Shared by the processes of a user on this machine: two that found nothing at a provider would both pay in. */
export const fundingTurn = (
  stateDir: string,
  { chainId }: Pick<NetworkProfile, 'chainId'>,
  { address }: { readonly address: Address },
): Turn => new FileTurn(join(stateDir, 'funding', `${chainId}-${address.toLowerCase()}.lock`))
