import { join } from 'node:path'
import type { JsonRpcApiProvider, Signer } from 'ethers'
import type { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { Logger } from '../base/log.ts'
import { inferenceContract } from '../chain/inference.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import { signReceipt } from '../protocol/receipt.ts'
import { AccountBook } from './accounts.ts'
import type { Engine } from './engine/engine.ts'
import { openSqliteLedger } from './ledger/sqlite.ts'
import { chatService, registerService } from './registration.ts'
import { Admission } from './server/admit.ts'
import { Authenticator } from './server/authenticate.ts'
import { capabilitiesDocument, modelsDocument } from './server/documents.ts'
import { EngineClient } from './server/engineClient.ts'
import { BrokerServer } from './server/server.ts'
import { Settler } from './settlement/settler.ts'
import type { Tee } from './tee/tee.ts'

export interface BrokerOptions {
  readonly network: NetworkProfile
  readonly rpc: JsonRpcApiProvider
  /** The provider's account, connected to `rpc`. Registers the service and settles. */
  readonly operator: Signer
  readonly engine: Engine
  readonly tee: Tee
  readonly listen: { readonly host: string; readonly port: number }
  /** What is registered on chain; default the address that it listens on. */
  readonly publicUrl?: string
  /** Where `ledger.sqlite` lives. */
  readonly dataDir: string
  /** Neuron per token. */
  readonly prices: { readonly input: bigint; readonly output: bigint }
  readonly settlement?: SettlementOptions
  readonly log: Logger
}

export interface SettlementOptions {
  /** Between attempts, ms. Default 5 minutes. */
  readonly intervalMs?: number
  /** Users who owe less wait, neuron. Default 0.004 0G. */
  readonly minimumFee?: bigint
  /** A user who owes this much is settled at once, neuron. Default 0.1 0G. */
  readonly eagerFee?: bigint
}

export interface Broker {
  readonly url: string
  readonly port: number
  readonly provider: Address
  readonly settler: Settler
  /** Set while the contract's owner still has to acknowledge the signer. */
  readonly warning: AppError | null
  /** Stops accepting, lets answers in flight end (at most `graceMs`), settles, closes. The engine is its owner's. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
}

const DRAIN_MS = 30_000
const DEVNET_POLL_MS = 200
const POLL_MS = 2000

/**
 * Starts the broker: ledger, accounts, server, registration, settlement, in this order, so that the chain names
 * an address only once it answers there.
 * @throws AppError of each part; nothing is left running
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { network, rpc, operator, engine, tee, dataDir, prices, log } = options
  const provider = (await operator.getAddress()) as Address
  const { chainId, inference: contractAddress } = network
  const contract = inferenceContract(contractAddress, rpc)
  const undo: (() => Promise<unknown>)[] = []
  const stopAll = async () => {
    for (const stop of undo.splice(0).reverse()) await stop()
  }
  try {
    const ledger = await openSqliteLedger({
      path: join(dataDir, 'ledger.sqlite'),
      chainId,
      contract: contractAddress,
      provider,
      sign: (fields, detail) => signReceipt(tee.signerKey, chainId, contractAddress, fields, detail),
    })
    undo.push(() => ledger.close())
    const left = await ledger.recover()
    if (left.length) log.warn('charged_after_crash', { exchanges: left.length })

    const isDevnet = network.kind === 'devnet'
    const accounts = new AccountBook({
      rpc,
      contract,
      provider,
      log,
      pollMs: isDevnet ? DEVNET_POLL_MS : POLL_MS,
      blocksOnDemand: isDevnet,
    })
    await accounts.start()
    undo.push(() => accounts.stop())

    const settler = new Settler({
      ...options.settlement,
      ledger,
      tee,
      operator,
      contract,
      chainId,
      confirmations: network.confirmations,
      accounts,
      pollMs: isDevnet ? DEVNET_POLL_MS : POLL_MS,
      log,
    })
    const engineClient = new EngineClient(engine)
    undo.push(() => engineClient.close())
    const authenticator = new Authenticator(provider)
    const startedAt = Date.now()
    const server = new BrokerServer({
      provider,
      prices,
      authenticator,
      admission: new Admission({ provider, accounts, ledger, engine, prices }),
      engine,
      engineClient,
      ledger,
      tee,
      evidence: await tee.quote(),
      onCharged: (user) => settler.noteCharge(user),
      models: () => modelsDocument(engine, prices, provider, startedAt),
      capabilities: capabilitiesDocument(),
      log,
    })
    const { port } = await server.listen(options.listen.host, options.listen.port)
    undo.push(() => server.drain(0))
    const url = options.publicUrl ?? `http://${options.listen.host}:${port}`
    const params = chatService({ url, model: engine.models[0]!.id, prices, signer: tee.signer })
    const registration = await registerService({ contract, operator, params, log })
    settler.start()
    return {
      url,
      port,
      provider,
      settler,
      warning: registration.warning,
      async stop({ graceMs = DRAIN_MS } = {}) {
        await server.drain(graceMs)
        await settler.stop()
        await stopAll()
      },
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}
