import type { JsonRpcApiProvider } from 'ethers'

/**
 * The chain's time in unix seconds: that of the block being made where the RPC tells it, else of the latest one.
 * Deadlines on chain are compared with this, never with the local clock.
 */
export async function chainTimeSeconds(rpc: JsonRpcApiProvider): Promise<number> {
  const [latest, pending] = await Promise.all([timestampOf(rpc, 'latest'), timestampOf(rpc, 'pending')])
  return Math.max(latest ?? 0, pending ?? 0)
}

async function timestampOf(rpc: JsonRpcApiProvider, tag: 'latest' | 'pending'): Promise<number | null> {
  try {
    const block = (await rpc.send('eth_getBlockByNumber', [tag, false])) as { timestamp?: string } | null
    return block?.timestamp ? Number(block.timestamp) : null
  } catch (error) {
    if (tag === 'latest') throw error
    return null
  }
}
