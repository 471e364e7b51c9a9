import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extraFolder } from '../../../scripts/extras.ts'

/** A bare proxy of `fast-proxy` before the engine at the port of the first argument. Prints its own port. */
const require = createRequire(`${extraFolder('peers')}/`)
const { proxy } = require('fast-proxy')({ base: `http://127.0.0.1:${process.argv[2]}` })
const server = createServer((req: IncomingMessage, res: ServerResponse) => proxy(req, res, req.url, {}))
server.listen(0, '127.0.0.1', 4096, () => console.log((server.address() as AddressInfo).port))
