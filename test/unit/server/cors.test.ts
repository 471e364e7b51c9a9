import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { allowOrigin } from '../../../src/provider/server/cors.ts'
import { sendJson, sendPreflight } from '../../../src/provider/server/respond.ts'

let server: Server

afterEach(() => server.close())

async function ask(origins: readonly string[] | undefined, origin: string, method = 'GET'): Promise<Headers> {
  server = createServer((req, res) => {
    allowOrigin(req, res, origins)
    if (req.method === 'OPTIONS') sendPreflight(res)
    else sendJson(res, 200, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return (await fetch(url, { method, headers: { origin } })).headers
}

const APP = 'https://app.example.org'

it('lets every page read, unless told otherwise, and never with cookies', async () => {
  const headers = await ask(undefined, APP)
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.get('access-control-expose-headers')).toMatch(/ZG-Res-Key/i)
  expect(headers.get('access-control-allow-credentials')).toBeNull()
})

it('lets a page send a key, and what else it likes', async () => {
  const headers = await ask(undefined, APP, 'OPTIONS')
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.get('access-control-allow-headers')).toContain('authorization')
  expect(headers.get('access-control-allow-methods')).toContain('POST')
})

it.each([
  [[APP], APP, APP],
  [[APP], 'https://app.example.org.evil.example', null],
  [[APP], 'null', null],
  [[], APP, null],
])('of the origins %j lets a page of %s read as %s', async (origins, origin, allowed) => {
  const headers = await ask(origins, origin)
  expect(headers.get('access-control-allow-origin')).toBe(allowed)
  expect(headers.get('vary')).toBe('origin')
})
