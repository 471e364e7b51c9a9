import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A load balancer: connections go to the replicas in turn; one that does not answer is passed over. */
export interface Balancer {
  readonly url: string
  stop(): Promise<void>
}

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((client) => {
    sockets.add(client)
    client.once('close', () => sockets.delete(client)).on('error', () => client.destroy())
    tryNext(client, turn++, ports.length)
  })

  function tryNext(client: Socket, at: number, left: number): void {
    if (left === 0) return void client.destroy()
    const upstream = connect(ports[at % ports.length]!, '127.0.0.1')
    upstream.once('error', () => tryNext(client, at + 1, left - 1))
    upstream.once('connect', () => {
      upstream.removeAllListeners('error').on('error', () => client.destroy())
      upstream.once('close', () => client.destroy())
      client.once('close', () => upstream.destroy())
      client.pipe(upstream).pipe(client)
    })
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
