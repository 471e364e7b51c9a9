import {
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  Network,
} from 'ethers'
import { AppError } from '../base/errors.ts'
import type { NetworkProfile } from './networks.ts'

export interface RpcOptions {
  /** Per attempt, ms. */
  readonly timeoutMs?: number
  /** Between polls for new blocks and receipts, ms. */
  readonly pollingMs?: number
}

/** Calls made together travel together, no more of them than public endpoints take. */
const BATCHES = { batchStallTime: 0, batchMaxCount: 20 }

/** JSON-RPC over HTTP with a timeout, trying the profile's URLs in order. */
export class RpcProvider extends JsonRpcApiProvider {
  readonly #urls: readonly string[]
  readonly #timeoutMs: number
  #preferred = 0

  constructor(network: NetworkProfile, options: RpcOptions = {}) {
    const chain = Network.from(network.chainId)
    const pollingInterval = options.pollingMs ?? (network.kind === 'devnet' ? 100 : 2000)
    super(chain, { staticNetwork: chain, ...BATCHES, cacheTimeout: -1, pollingInterval })
    this.#urls = network.rpcUrls
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this._start()
  }

  override async _send(
    payload: JsonRpcPayload | JsonRpcPayload[],
  ): Promise<(JsonRpcResult | JsonRpcError)[]> {
    let failure: unknown
    for (let i = 0; i < this.#urls.length; i++) {
      const index = (this.#preferred + i) % this.#urls.length
      try {
        const answer = await post(this.#urls[index]!, payload, this.#timeoutMs)
        this.#preferred = index
        return answer
      } catch (error) {
        failure = error
      }
    }
    throw rpcUnreachable(this.#urls, failure)
  }
}

/**
 * Connects and makes sure that it is the chain that the profile names.
 * @throws AppError `rpc_unreachable`, `wrong_chain`
 */
export async function connect(network: NetworkProfile, options: RpcOptions = {}): Promise<RpcProvider> {
  const rpc = new RpcProvider(network, options)
  try {
    const chainId = Number(await rpc.send('eth_chainId', []))
    if (chainId !== network.chainId) throw wrongChain(network, chainId)
    return rpc
  } catch (error) {
    rpc.destroy()
    throw error
  }
}

async function post(url: string, payload: unknown, timeoutMs: number) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payload),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`HTTP ${response.status}`)
  }
  const answer = (await response.json()) as JsonRpcResult | (JsonRpcResult | JsonRpcError)[]
  return Array.isArray(answer) ? answer : [answer]
}

const rpcUnreachable = (urls: readonly string[], cause: unknown): AppError =>
  new AppError({
    code: 'rpc_unreachable',
    message: `No answer from the chain at ${urls.map(withoutPath).join(', ')}`,
    hint: 'Is the node running, and the address right?',
    next: '0g-compute doctor',
    retryable: true,
    status: 503,
    cause,
  })

const wrongChain = (network: NetworkProfile, chainId: number): AppError =>
  new AppError({
    code: 'wrong_chain',
    message: `The RPC of network ${network.name} serves chain ${chainId}, not ${network.chainId}`,
    hint: 'Nothing was sent. Point the profile at the right RPC',
    next: '0g-compute doctor',
  })

/** RPC URLs often carry a key in their path. */
const withoutPath = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'an invalid URL')
