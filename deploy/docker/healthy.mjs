import { get as getPlain } from 'node:http'
import { get as getOverTls } from 'node:https'

/**
 * Ends with 0 when the broker in this container wants requests. Whether it ends TLS is not known here, and its
 * certificate names its public host: it is not checked on the way to oneself.
 */
const path = { host: '127.0.0.1', port: process.env.ZG_PROVIDER_LISTEN_PORT || 3080, path: '/readyz', timeout: 2500 }

const isReady = (get, options) =>
  new Promise((resolve) => {
    const request = get(options, (response) => resolve(response.statusCode === 200))
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false))
  })

const ready = (await isReady(getPlain, path)) || (await isReady(getOverTls, { ...path, rejectUnauthorized: false }))
process.exit(ready ? 0 : 1)
