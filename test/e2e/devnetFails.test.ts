import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startChain } from '../../src/cli/devnet/chain.ts'
import { startProvider } from '../../src/cli/devnet/provider.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-devnet-fails-'))

afterAll(() => rmSync(dir, { recursive: true, force: true }))

it('a chain whose port somebody else took meanwhile: what Anvil said is in its log', async () => {
  const other = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  await expect(startChain(dir, (other.address() as AddressInfo).port)).rejects.toMatchObject({
    code: 'devnet_chain_failed',
    message: expect.stringMatching(/Anvil ended with [1-9]/),
  })
  expect(readFileSync(join(dir, 'anvil.log'), 'utf8')).toMatch(/in use/i)
  await new Promise((resolve) => other.close(resolve))
})

it('a provider that ends before it says anything: what it said is in its log', async () => {
  const ending = startProvider({ dir, args: ['--no-such-option'], env: { ZG_HOME: dir } })
  await expect(ending).rejects.toMatchObject({
    code: 'devnet_provider_failed',
    message: expect.stringContaining('it ended with 2'),
  })
  expect(readFileSync(join(dir, 'provider.log'), 'utf8')).toContain('--no-such-option')
})
