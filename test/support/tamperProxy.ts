import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a host between user and enclave does to an exchange; everything else passes unchanged. */
export interface Tampering {
  /** Changes the request body on its way to the broker. */
  request?(body: Buffer): Buffer
  /** Changes the bytes of the answer on their way back. */
  response?(body: Buffer): Buffer
  /** Changes the proof document. */
  proof?(proof: ProofDocument, id: string): ProofDocument | Promise<ProofDocument>
  /** Answers a request for a document itself, with an empty one by 404; null passes it. */
  document?(url: URL): Promise<string | null> | string | null
  /** Changes the answer's headers. */
  headers?(headers: Record<string, string>): Record<string, string>
}

export type ProofDocument = Record<string, unknown> & {
  receipt: Record<string, unknown> & { receipt: Record<string, unknown> }
}

export interface TamperProxy {
  readonly url: string
  /** The broker behind it. */
  target: string
  /** Set for one test; null passes everything. */
  tampering: Tampering | null
  /** Ids of the answers that passed, in order. */
  readonly ids: string[]
  stop(): Promise<void>
}

const SIGNATURE = /^\/v1\/proxy\/signature\/([0-9a-f]{32})/

/** A dishonest machine in front of an honest broker. */
export async function startTamperProxy(): Promise<TamperProxy> {
  const server = createServer((req, res) => {
    pass(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: TamperProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    tampering: null,
    ids: [],
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy

  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const tampering = proxy.tampering
    const isAsked = /^\/v1\/proxy\/(chat|messages)/.test(req.url ?? '')
    const body = await bodyOf(req)
    const own = isAsked ? null : await tampering?.document?.(new URL(req.url!, proxy.url))
    if (own != null)
      return void res.writeHead(own ? 200 : 404, { 'content-type': 'application/json' }).end(own)
    const upstream = await fetch(proxy.target + req.url, {
      method: req.method ?? 'GET',
      headers: forwarded(req),
      ...(body.length > 0 && { body: new Uint8Array(isAsked ? (tampering?.request?.(body) ?? body) : body) }),
    })
    let answer: Buffer = Buffer.from(await upstream.arrayBuffer())
    const id = SIGNATURE.exec(req.url ?? '')?.[1]
    if (isAsked) answer = tampering?.response?.(answer) ?? answer
    if (id && upstream.ok && tampering?.proof) {
      answer = Buffer.from(JSON.stringify(await tampering.proof(JSON.parse(answer.toString()), id)))
    }
    const key = upstream.headers.get('zg-res-key')
    if (key) proxy.ids.push(key)
    const headers: Record<string, string> = {}
    for (const name of ['content-type', 'zg-res-key', 'zg-receipt', 'provider']) {
      const value = upstream.headers.get(name)
      if (value !== null) headers[name] = value
    }
    res.writeHead(upstream.status, isAsked ? (tampering?.headers?.(headers) ?? headers) : headers)
    res.end(answer)
  }
}

function forwarded(req: IncomingMessage): Record<string, string> {
  const own = Object.keys(req.headers).filter((name) => name.startsWith('zg-'))
  const names = ['authorization', 'content-type', ...own]
  return Object.fromEntries(
    names.flatMap((name) => (req.headers[name] ? [[name, String(req.headers[name])]] : [])),
  )
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
