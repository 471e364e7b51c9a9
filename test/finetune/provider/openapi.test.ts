import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokerDocument } from '../../../src/protocol/openapi/brokerDocument.ts'
import { FINE_TUNING_PATHS } from '../../../src/protocol/openapi/fineTuningPaths.ts'
import { hasTrainer } from './taskClient.ts'
import { startTuner, type Tuner } from './tuner.ts'

interface Operation {
  readonly operationId: string
  readonly responses: Record<string, unknown>
}

const PARAMETERS = {
  '{address}': `0x${'0'.repeat(40)}`,
  '{task}': '00000000-0000-4000-8000-000000000000',
  '{model}': 'nobody',
}

const operations = Object.entries(FINE_TUNING_PATHS as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

let tuner: Tuner

beforeAll(async () => {
  if (hasTrainer) tuner = await startTuner()
}, 180_000)

afterAll(() => tuner?.stop())

describe.skipIf(!hasTrainer)('the OpenAPI document of a broker that fine-tunes', () => {
  it('is served with what fine-tuning adds, every schema named', async () => {
    const response = await fetch(new URL('/openapi.json', tuner.broker.url))
    const document = await response.json()
    expect(document).toEqual(JSON.parse(JSON.stringify(brokerDocument(true))))
    const refs = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)
    for (const [, name] of refs) expect(Object.keys(document.components.schemas)).toContain(name)
  })

  it.each(operations)('$method $path answers as it says', async ({ path, method, operation }) => {
    let target = path
    for (const [name, value] of Object.entries(PARAMETERS)) target = target.replace(name, value)
    const response = await fetch(new URL(target, tuner.broker.url), {
      method: method.toUpperCase(),
      headers: { 'content-type': 'application/json' },
      ...(method === 'post' && { body: '{}' }),
    })
    expect(Object.keys(operation.responses)).toContain(String(response.status))
    const text = await response.text()
    if (!response.ok) expect(JSON.parse(text).error.code).not.toMatch(/route_unknown|method_not_allowed/)
  })
})
