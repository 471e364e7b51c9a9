import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { AppError } from '../../../src/base/errors.ts'
import type { NetworkProfile } from '../../../src/chain/networks.ts'
import { advised } from '../../../src/cli/framework/advised.ts'
import type { DevnetFile } from '../../../src/cli/framework/devnetFile.ts'

const ENDED = spawnSync(process.execPath, ['--version']).pid
const unreachable = new AppError({
  code: 'provider_unreachable',
  message: 'x',
  next: '0g-compute provider list',
})

/** What the step is where the devnet's provider has this process. */
async function stepWith(pid: number, kind: NetworkProfile['kind'] = 'devnet') {
  const network = { kind } as NetworkProfile
  const devnet = { provider: { url: '', pid } } as DevnetFile
  const key = () => Promise.reject(new Error('not asked'))
  return (await advised(unreachable, { network, devnet, key })).next
}

it('a devnet whose provider has ended is started again, any other provider is replaced', async () => {
  expect(await stepWith(ENDED)).toBe('0g-compute devnet up')
  expect(await stepWith(process.pid)).toBe('0g-compute provider list')
  expect(await stepWith(ENDED, 'testnet')).toBe('0g-compute provider list')
})
