import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { extraFolder } from '../../../scripts/extras.ts'

/** A bare proxy of `httpxy` before the engine at the port of the first argument. Prints its own port. */
const require = createRequire(`${extraFolder('peers')}/`)
const { createProxyServer } = await import(pathToFileURL(require.resolve('httpxy')).href)
const { Agent } = await import('node:http')
const proxy = createProxyServer({
  target: `http://127.0.0.1:${process.argv[2]}`,
  agent: new Agent({ keepAlive: true, maxSockets: 4096 }),
})
const server = createServer((req, res) => {
  proxy.web(req, res).catch(() => res.destroy())
})
server.listen(0, '127.0.0.1', 4096, () => console.log((server.address() as AddressInfo).port))
