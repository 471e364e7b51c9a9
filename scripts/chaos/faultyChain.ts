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

interface RpcAnswer {
  readonly id: number
  readonly result?: unknown
}

interface RpcCall {
  readonly id: number
  readonly method: string
}

const RECEIPT = 'eth_getTransactionReceipt'
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
    const parsed = JSON.parse(body.toString()) as RpcCall | RpcCall[]
    const calls = Array.isArray(parsed) ? parsed : [parsed]
    const fault = chain.isFaulty ? pickFor(calls, random) : null
    if (fault) faults[fault]++
    if (fault === 'dropped call') return void response.destroy()
    if (fault === 'duplicate submission') await forward(body)
    const text = await forward(body)
    if (fault === 'dropped receipt') return reply(response, withoutReceipts(calls, text))
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

/** As a node answers that has not seen the block yet. */
function withoutReceipts(calls: readonly RpcCall[], text: string): string {
  const asked = new Set(calls.filter(({ method }) => method === RECEIPT).map(({ id }) => id))
  const parsed = JSON.parse(text) as RpcAnswer | RpcAnswer[]
  const blank = (answer: RpcAnswer) => (asked.has(answer.id) ? { ...answer, result: null } : answer)
  return JSON.stringify(Array.isArray(parsed) ? parsed.map(blank) : blank(parsed))
}

/** The first of the calls that fails makes all of them fail: they share a connection. */
function pickFor(calls: readonly RpcCall[], random: () => number): Fault | null {
  for (const { method } of calls) {
    const fault = pick(method, random())
    if (fault) return fault
  }
  return null
}

/** Often where money moves; elsewhere so seldom that a whole settlement gets through between two faults. */
function pick(method: string, chance: number): Fault | null {
  if (method === 'eth_sendRawTransaction') {
    if (chance < 0.25) return 'duplicate submission'
    if (chance < 0.45) return 'dropped answer'
    return chance < 0.6 ? 'dropped call' : null
  }
  if (method === RECEIPT && chance < 0.2) return 'dropped receipt'
  if (chance < 0.007) return 'timeout'
  if (chance < 0.014) return 'dropped call'
  return chance < 0.021 ? 'dropped answer' : null
}
