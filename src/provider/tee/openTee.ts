import { existsSync } from 'node:fs'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { PrivateKey } from '../../protocol/signature.ts'
import { openDstackTee } from './dstack.ts'
import { DSTACK_SOCKET } from './guestAgent.ts'
import { openNoTee } from './noTee.ts'
import { openSimulatedTee } from './simulated.ts'
import type { Tee } from './tee.ts'

export interface TeeOptions {
  /** Default: dstack where its socket is, else the devnet's simulated one. */
  readonly kind?: 'dstack' | 'simulated' | 'none'
  /** Of the provider's account: without a TEE it signs for itself. */
  readonly accountKey: () => Promise<PrivateKey>
  /** dstack's guest agent. Default `/var/run/dstack.sock`. */
  readonly socket?: string
  /** Where a simulated TEE keeps its key. */
  readonly devnetDir: string
  readonly network: NetworkProfile
  /** The broker's public URL. */
  readonly url?: string
}

/**
 * The enclave that a broker runs in, or none.
 * @throws AppError `tee_unreachable`, `tee_refused`, `tee_answer_malformed`, `tee_simulated_refused`
 */
export async function openTee({
  kind,
  accountKey,
  socket,
  devnetDir,
  network,
  url,
}: TeeOptions): Promise<Tee> {
  if (kind === 'none') return openNoTee(await accountKey())
  const chosen = kind ?? (existsSync(socket ?? DSTACK_SOCKET) ? 'dstack' : 'simulated')
  if (chosen === 'dstack') return openDstackTee(socket === undefined ? {} : { socket })
  return openSimulatedTee({ dir: devnetDir, network, ...(url !== undefined && { url }) })
}
