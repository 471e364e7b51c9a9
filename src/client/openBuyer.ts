import type { Policy } from '../attestation/policy.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { Answer } from './answer.ts'
import { fileCapabilityStore } from './capabilities/fileCapabilityStore.ts'
import { fundingTurn } from './funding/fundingTurn.ts'
import { chat, type InferenceHooks, type InferenceRequest } from './inference.ts'
import { nodeRuntime } from './nodeRuntime.ts'
import { once } from './once.ts'
import { Purchases } from './purchase/purchases.ts'
import { fileCache } from './recall/fileCache.ts'
import { sqliteReceiptStore } from './receipts/sqliteReceiptStore.ts'
import { Catalogue } from './routing/catalogue.ts'
import { ProviderHealth } from './routing/providerHealth.ts'
import { Router } from './routing/router.ts'
import type { BuyerAccount, BuyerSession, Session } from './session.ts'
import { SessionTokens } from './tokens.ts'
import { fileVoucherStore } from './vouchers/fileVoucherStore.ts'

export interface OpenBuyerOptions {
  readonly network: NetworkProfile
  readonly account: BuyerAccount
  /** Folder for receipts, seen capabilities and what an earlier process found out. */
  readonly stateDir: string
  readonly policy?: Policy
}

/** The part of a client that buys one answer, for a process that starts for it. */
export interface Buyer {
  /** As `Compute.chat`. */
  chat(request: InferenceRequest, hooks?: InferenceHooks): AsyncGenerator<string, Answer>
  close(): Promise<void>
}

/**
 * Opens in a moment: the chain is connected, and everything that talks to it loaded, only when something is asked that
 * no earlier process knows.
 */
export function openBuyer({ network, account, stateDir, policy }: OpenBuyerOptions): Buyer {
  const runtime = nodeRuntime()
  let chain: Promise<Session> | undefined
  const session: BuyerSession = {
    network,
    runtime,
    receipts: sqliteReceiptStore(stateDir),
    capabilities: fileCapabilityStore(stateDir),
    vouchers: fileVoucherStore(stateDir),
    cache: fileCache(stateDir, network),
    account,
    turn: fundingTurn(stateDir, network, account),
    ...(policy && { policy }),
    connected: () => {
      chain ??= import('./onChain.ts').then(({ connectChain }) => connectChain(session))
      return chain
    },
  }
  const tokens = new SessionTokens(session)
  const servedBy = async (adapter: string) => {
    const { FineTuning } = await import('./finetune/fineTuning.ts')
    return new FineTuning(await session.connected(), tokens, stateDir).servedBy(adapter)
  }
  const health = new ProviderHealth()
  const router = new Router(session, new Catalogue(session, health, servedBy), health)
  const funding = async () => {
    const { Funding } = await import('./funding/funding.ts')
    return new Funding(await session.connected())
  }
  const purchases = new Purchases(session, once(funding), tokens, router)
  return {
    chat: (request, hooks) => chat(purchases, request, hooks),
    close: async () => {
      const connected = await chain?.catch(() => null)
      connected?.rpc.destroy()
      await runtime.close()
    },
  }
}
