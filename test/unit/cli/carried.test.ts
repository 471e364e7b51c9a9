import { expect, it } from 'vitest'
import { carried } from '../../../src/cli/framework/carried.ts'

const CHOICES = { wallet: 'work', network: 'testnet', rpc: undefined }

it('what is advised is for the wallet and the network of the call', () => {
  expect(carried('0g-compute fund status', CHOICES)).toBe(
    '0g-compute fund status --wallet work --network testnet',
  )
  expect(carried('0g-compute infer "…"', { rpc: 'http://a b' })).toBe(
    '0g-compute infer "…" --rpc \'http://a b\'',
  )
  expect(carried('0g-compute wallet show --wallet other', CHOICES)).toBe(
    '0g-compute wallet show --wallet other --network testnet',
  )
  expect(carried('0g-compute fund 1', {})).toBe('0g-compute fund 1')
})

it.each([
  '0g-compute fund --help',
  '0g-compute devnet up',
  '0g-compute wallet use a',
  '0g-compute config set rpc <url of another>',
  '0g-compute provider list --usd-rate <USD>',
  'send 0G to this address',
])('%s stays as it is', (command) => expect(carried(command, CHOICES)).toBe(command))
