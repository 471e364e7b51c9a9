import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import {
  type CapabilityOwner,
  type CapabilityStore,
  memoryCapabilityStore,
} from '../../../src/client/capabilities/capabilityStore.ts'
import { fileCapabilityStore } from '../../../src/client/capabilities/fileCapabilityStore.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-capabilities-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const CONTRACT: Address = `0x${'Ab'.repeat(20)}`
const OWNER: CapabilityOwner = { chainId: 1, contract: CONTRACT, provider: `0x${'Cd'.repeat(20)}` }

describe.each<[string, () => CapabilityStore]>([
  ['in memory', memoryCapabilityStore],
  ['on disk', () => fileCapabilityStore(mkdtempSync(join(dir, 'home-')))],
])('capabilities that were seen, %s', (_where, open) => {
  it('are those that were last accepted of that provider at that contract of that chain', async () => {
    const store = open()
    expect(await store.seen(OWNER)).toBeNull()
    await store.remember(OWNER, '{"v":1}')
    await store.remember(OWNER, '{"v":2}')
    const same = { ...OWNER, contract: CONTRACT.toLowerCase() as Address }
    expect(await store.seen(same)).toBe('{"v":2}')
    for (const change of [{ chainId: 2 }, { contract: OWNER.provider }, { provider: CONTRACT }])
      expect(await store.seen({ ...OWNER, ...change })).toBeNull()
  })
})

it('outlive the process, readable by their owner alone, whole at every moment', async () => {
  const document = (n: number) => JSON.stringify({ v: 1, filler: 'x'.repeat(5000), n })
  const store = fileCapabilityStore(dir)
  await Promise.all(Array.from({ length: 20 }, (_, n) => store.remember(OWNER, document(n))))
  const seen = await fileCapabilityStore(dir).seen(OWNER)
  expect(JSON.parse(seen!).filler.length).toBe(5000)
  const folder = join(dir, 'capabilities', '1', CONTRACT.toLowerCase())
  expect(readdirSync(folder)).toEqual([`${OWNER.provider.toLowerCase()}.json`])
  expect(statSync(join(folder, readdirSync(folder)[0]!)).mode & 0o777).toBe(0o600)
})
