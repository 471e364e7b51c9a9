import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokerDocument } from '../../src/protocol/openapi/brokerDocument.ts'
import { proxyDocument } from '../../src/protocol/openapi/proxyDocument.ts'
import { openBrokers, openProxy, type Scene } from './openai/scene.ts'

interface OpenApi {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>
  readonly components: { readonly schemas: Record<string, unknown> }
}

/** What stands for the parameters of a path. */
const PARAMETERS = { '{id}': '0'.repeat(32), '{address}': `0x${'0'.repeat(40)}` }

describe.each([
  ['broker', openBrokers, brokerDocument],
  ['proxy', openProxy, proxyDocument],
])('the OpenAPI document of the %s', (_, open, make) => {
  const document = make() as unknown as OpenApi
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  let scene: Scene
  let origin: string

  beforeAll(async () => {
    scene = await open()
    origin = new URL(scene.demo.baseURL).origin
  })

  afterAll(() => scene?.stop())

  it('is served', async () => {
    const response = await fetch(`${origin}/openapi.json`)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
    expect(document.openapi).toBe('3.1.0')
  })

  it('names each operation once, and every schema that it refers to', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const refs = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)
    for (const [, name] of refs) expect(Object.keys(document.components.schemas)).toContain(name)
  })

  it.each(operations)('$method $path answers as it says', async ({ path, method, operation }) => {
    let target = path
    for (const [name, value] of Object.entries(PARAMETERS)) target = target.replace(name, value)
    const response = await fetch(origin + target, {
      method: method.toUpperCase(),
      headers: { authorization: `Bearer ${scene.demo.key}`, 'content-type': 'application/json' },
      ...(method === 'post' && { body: '{}' }),
    })
    expect(Object.keys(operation.responses)).toContain(String(response.status))
    const { error } = await response.json()
    if (response.status === 404) expect(error.code).not.toMatch(/route_unknown|endpoint_unknown/)
  })

  it.each(operations)('$path takes no method that it does not list', async ({ path }) => {
    const response = await fetch(origin + path, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${scene.demo.key}` },
    })
    const known = !path.includes('{')
    expect(response.status).toBe(known ? 405 : 404)
    if (known) expect(response.headers.get('allow')).toMatch(/^(GET|POST)$/)
  })
})
