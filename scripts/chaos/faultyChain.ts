import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** An RPC endpoint that fails at random while it is told to. */
export interface FaultyChain {
  readonly url: string
  isFaulty: boolean
  /** Faults so far, by kind. */
  readonly faults: Readonly<Record<Fault, number>>
  stop(): Promise<void>
}

type Fault = 'dropped call' | 'dropped answer' | 'timeout' | 'dropped receipt' | 'duplicate submission'

interface RpcCall {
  readonly id: number
  readonly method: string
}

/** Longer than a caller should have to wait, shorter than a test. */
const HANG_MS = 1500

/** @param random 0 to 1, seeded: the same faults in the same order of calls */
export async function startFaultyChain(chainUrl: string, random: () => number): Promise<FaultyChain> {
  const faults = {
    'dropped call': 0,
    'dropped answer': 0,
    timeout: 0,
    'dropped receipt': 0,
    'duplicate submission': 0,
  }
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })
  const chain = {
    url: '',
    isFaulty: false,
    faults,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const call = JSON.parse(body.toString()) as RpcCall
    const fault = chain.isFaulty ? pick(call.method, random()) : null
    if (fault) faults[fault]++
    if (fault === 'dropped call') return void response.destroy()
    if (fault === 'dropped receipt') return reply(response, JSON.stringify({ jsonrpc: '2.0', id: call.id, result: null }))
    if (fault === 'duplicate submission') await forward(body)
    const text = await forward(body)
    if (fault === 'timeout') await sleep(HANG_MS)
    if (fault === 'timeout' || fault === 'dropped answer') return void response.destroy()
    reply(response, text)
  }

  async function forward(body: Uint8Array<ArrayBuffer>): Promise<string> {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(chainUrl, { method: 'POST', headers, body })).text()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  chain.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return chain
}

const reply = (response: ServerResponse, text: string): void => {
  response.setHeader('content-type', 'application/json').end(text)
}

function pick(method: string, chance: number): Fault | null {
  if (method === 'eth_sendRawTransaction') {
    if (chance < 0.2) return 'duplicate submission'
    if (chance < 0.35) return 'dropped answer'
    if (chance < 0.5) return 'dropped call'
    return null
  }
  if (method === 'eth_getTransactionReceipt' && chance < 0.15) return 'dropped receipt'
  if (chance < 0.02) return 'timeout'
  if (chance < 0.04) return 'dropped call'
  return chance < 0.06 ? 'dropped answer' : null
}
