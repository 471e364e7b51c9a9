import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

/** Whose limits a caller shares: its address, or the first 64 bits of it where a line has as many as it likes. */
export function clientAddress(req: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? String(req.headers['x-forwarded-for'] ?? '') : ''
  const address = forwarded.split(',').at(-1)?.trim() || req.socket.remoteAddress || 'unknown'
  return isIPv6(address) && !address.startsWith('::ffff:') ? networkOf(address) : address
}

/** The first four groups; `::` stands for zeros. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::')
  const front = head ? head.split(':') : []
  const back = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...Array<string>(Math.max(0, zeros)).fill('0'), ...back].slice(0, 4).join(':')
}
