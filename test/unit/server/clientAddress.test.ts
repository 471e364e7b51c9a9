import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { clientAddress } from '../../../src/provider/server/clientAddress.ts'

const from = (remoteAddress: string, forwarded?: string) =>
  ({
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    socket: { remoteAddress },
  }) as unknown as IncomingMessage

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('%s counts as %s', (address, expected) => {
  expect(clientAddress(from(address), false)).toBe(expected)
})

it('believes a proxy only where one is trusted, and then the entry that the proxy wrote', () => {
  expect(clientAddress(from('10.0.0.1', '6.6.6.6, 192.0.2.9'), false)).toBe('10.0.0.1')
  expect(clientAddress(from('10.0.0.1', '6.6.6.6, 192.0.2.9'), true)).toBe('192.0.2.9')
  expect(clientAddress(from('10.0.0.1'), true)).toBe('10.0.0.1')
})
