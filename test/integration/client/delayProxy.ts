import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A way to a broker that takes its time, or breaks. */
export interface DelayProxy {
  readonly url: string
  target: string
  /** Before a request goes on, ms. */
  delayMs: number
  /** `refuse` answers 503, `cut` breaks the connection after the headers of an answer. */
  fault: 'refuse' | 'cut' | null
  /** Requests for answers. */
  asked: number
  /** What all requests together were delayed, ms. */
  delayed: number
  stop(): Promise<void>
}

export async function startDelayProxy(): Promise<DelayProxy> {
  const server = createServer(async (req, res) => {
    const isAnswer = req.method === 'POST'
    if (isAnswer) proxy.asked++
    const { delayMs } = proxy
    await sleep(delayMs)
    proxy.delayed += delayMs
    if (isAnswer && proxy.fault === 'refuse') return void res.writeHead(503).end('{}')
    const onward = request(proxy.target + req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers)
      if (isAnswer && proxy.fault === 'cut') return void res.write(': \n\n', () => res.destroy())
      answer.pipe(res)
    })
    onward.once('error', () => res.destroy())
    res.once('close', () => onward.destroy())
    req.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: DelayProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    delayMs: 0,
    fault: null,
    asked: 0,
    delayed: 0,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
