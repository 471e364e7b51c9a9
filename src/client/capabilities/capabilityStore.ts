import type { Address } from '../../base/hex.ts'

/** Whose list of capabilities. */
export interface CapabilityOwner {
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
}

/** The list that was last accepted from each provider: none of it may vanish. */
export interface CapabilityStore {
  /** Body of `GET /v1/capabilities`, or null where none was accepted yet. */
  seen(owner: CapabilityOwner): Promise<string | null>
  remember(owner: CapabilityOwner, document: string): Promise<void>
}

/** Remembers for as long as the process lives. */
export function memoryCapabilityStore(): CapabilityStore {
  const documents = new Map<string, string>()
  const keyOf = ({ chainId, contract, provider }: CapabilityOwner) =>
    `${chainId} ${contract} ${provider}`.toLowerCase()
  return {
    seen: async (owner) => documents.get(keyOf(owner)) ?? null,
    remember: async (owner, document) => void documents.set(keyOf(owner), document),
  }
}
