import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What to do with a call: `drop-answer` lets it reach the chain and cuts the connection instead of answering. */
export type Fault = 'none' | 'drop-answer' | 'drop-call'

/** An RPC endpoint in front of a chain, which fails where a test says so. */
export interface FaultyRpc {
  readonly url: string
  /** Decides for each call by method and parameters. */
  decide: (method: string, params: readonly unknown[]) => Fault
  /** Changes a call on its way: what a node that lags behind answers is what an older block says. */
  rewrite: (call: RpcCall) => RpcCall
  /** Raw transactions that passed on their way to the chain. */
  readonly sent: string[]
  stop(): Promise<void>
}

export async function startFaultyRpc(chainUrl: string): Promise<FaultyRpc> {
  const server = createServer((request, response) => {
    void forward(request, response).catch(() => response.destroy())
  })
  const faulty: FaultyRpc = {
    url: '',
    decide: () => 'none',
    rewrite: (call) => call,
    sent: [],
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const parsed = JSON.parse(body.toString()) as RpcCall | RpcCall[]
    const calls = Array.isArray(parsed) ? parsed : [parsed]
    const faults = calls.map(({ method, params }) => faulty.decide(method, params))
    if (faults.includes('drop-call')) return void response.destroy()
    for (const { method, params } of calls) {
      if (method === 'eth_sendRawTransaction') faulty.sent.push(String(params[0]))
    }
    const passed = calls.map((call) => faulty.rewrite(call))
    const answer = await fetch(chainUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.isArray(parsed) ? passed : passed[0]),
    })
    const text = await answer.text()
    if (faults.includes('drop-answer')) return void response.destroy()
    response.setHeader('content-type', 'application/json').end(text)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(faulty, { url: `http://127.0.0.1:${port}` })
}

export interface RpcCall {
  readonly method: string
  readonly params: readonly unknown[]
}
