import { createServer as createMiddle, request as requestTls } from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TlsIdentity } from '../../src/provider/server/tls.ts'

/** The way to a broker that ends TLS itself. Bytes pass as they are, or somebody in between ends TLS and reads along. */
export interface TlsWay {
  readonly url: string
  /** Port of the broker. */
  target: number
  /** Who stands in between from the next connection on, with a certificate of its own; null: nobody. */
  setMiddle(isThere: boolean): void
  /** What the one in between read: method, path and whether a token was there. */
  readonly read: string[]
  stop(): Promise<void>
}

export async function startTlsWay(middle: TlsIdentity): Promise<TlsWay> {
  const open = new Set<Socket>()
  const read: string[] = []
  const inBetween = createMiddle(middle, (req, res) => {
    read.push(`${req.method} ${req.url!.split('?')[0]}${req.headers.authorization ? ' with a token' : ''}`)
    const { method, headers } = req
    const onward = { port: way.target, host: '127.0.0.1', path: req.url, method, headers }
    const forwarded = requestTls({ ...onward, rejectUnauthorized: false }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(res)
    })
    forwarded.once('error', () => res.destroy())
    req.pipe(forwarded)
  })
  let isThere = false
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy())
    if (isThere) return void inBetween.emit('connection', socket)
    const onward = connect(way.target, '127.0.0.1').on('error', () => socket.destroy())
    socket.once('close', () => onward.destroy())
    onward.once('close', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const way: TlsWay = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: 0,
    read,
    setMiddle(there) {
      isThere = there
      for (const socket of open) socket.destroy()
    },
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return way
}
