import type { Address } from '../../base/hex.ts'
import type { PrivateKey } from '../../protocol/signature.ts'

/** Whose vouchers, to whom. */
export interface VoucherOwner {
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly user: Address
  readonly provider: Address
}

/** What was signed for a request whose price is not known yet. */
export interface Pledge {
  readonly id: string
  /** The most that it can cost, neuron. */
  readonly amount: bigint
  /** When it was signed, ms. */
  readonly at: number
  /** The process that waits for the answer; null where nobody does any more. */
  readonly pid: number | null
  /** When that process began, ms: in a container every one of them has the same id. */
  readonly began: number
}

/** What a payer keeps of one provider without a TEE. Amounts in neuron, in all since the beginning. */
export interface VoucherState {
  /** The session key. */
  readonly key: PrivateKey
  /** The keys before it: what they signed is in `signed` too. */
  readonly former: readonly Address[]
  /** As the chain has it: zero while the key is not delegated. */
  readonly cap: bigint
  /** Unix seconds. */
  readonly expiry: number
  /** Checked by this client, or taken on chain: what the provider may have. */
  readonly verified: bigint
  /** The highest that was ever signed. */
  readonly signed: bigint
  readonly pledges: readonly Pledge[]
  /** Ids of the last answers that were counted: one that is joined counts once. */
  readonly counted: readonly string[]
}

/** Keeps what was signed, before it leaves: forgotten, it would be signed for twice. */
export interface VoucherStore {
  read(owner: VoucherOwner): Promise<VoucherState | null>
  /** One change at a time, also between processes; durable when it resolves. */
  change(owner: VoucherOwner, change: (state: VoucherState | null) => VoucherState): Promise<VoucherState>
}

/** Keeps for as long as the process lives. */
export function memoryVoucherStore(): VoucherStore {
  const states = new Map<string, VoucherState>()
  return {
    read: async (owner) => states.get(keyOf(owner)) ?? null,
    change: async (owner, change) => {
      const state = change(states.get(keyOf(owner)) ?? null)
      states.set(keyOf(owner), state)
      return state
    },
  }
}

const keyOf = ({ chainId, contract, user, provider }: VoucherOwner): string =>
  `${chainId} ${contract} ${user} ${provider}`.toLowerCase()
