import { toBeHex, zeroPadValue } from 'ethers'
import { ONE_0G } from '../../src/base/units.ts'
import type { World } from './world.ts'

/** Registered by one block: with more than half of its gas used, gas would cost more from block to block. */
const PER_BLOCK = 25

/**
 * Registers services of so many providers that nobody has a key of. Their prices rise from the first to the last. On
 * their contracts the owner acknowledges each: what it did not is not found.
 */
export async function registerMany({ anvil, inference, contracts }: World, count: number): Promise<void> {
  const { rpc } = anvil
  const stake = (contracts === 'ours' ? 1n : 100n) * ONE_0G
  await rpc.send('anvil_autoImpersonateAccount', [true])
  await rpc.send('evm_setAutomine', [false])
  const register = inference.getFunction('addOrUpdateService')
  const byOwner = inference.getFunction('acknowledgeTEESignerByOwner')
  const owner = anvil.wallets.at(-1)!.address
  for (let done = 0; done < count; done += PER_BLOCK) {
    const block = Array.from({ length: Math.min(PER_BLOCK, count - done) }, (_, i) => done + i)
    await Promise.all(
      block.map((index) => rpc.send('anvil_setBalance', [address(index), toBeHex(10n * stake)])),
    )
    await Promise.all(
      block.map(async (index) => {
        const { data } = await register.populateTransaction(paramsOf(index))
        const call = {
          from: address(index),
          to: inference.target,
          data,
          value: toBeHex(stake),
          gas: '0xf4240',
        }
        await rpc.send('eth_sendTransaction', [call])
      }),
    )
    await rpc.send('evm_mine', [])
    if (contracts === 'theirs') await acknowledge(block)
  }
  await rpc.send('evm_setAutomine', [true])
  await rpc.send('anvil_autoImpersonateAccount', [false])

  async function acknowledge(block: readonly number[]): Promise<void> {
    for (const index of block) {
      const { data } = await byOwner.populateTransaction(address(index))
      const call = { from: owner, to: inference.target, data, gas: '0x7a120' }
      await rpc.send('eth_sendTransaction', [call])
    }
    await rpc.send('evm_mine', [])
  }
}

const address = (index: number): string => zeroPadValue(toBeHex(0xfeed0000 + index), 20)

const paramsOf = (index: number): readonly unknown[] => [
  'chatbot',
  `https://provider-${index}.example/v1`,
  `model-${index % 40}`,
  'TeeML',
  10n ** 9n + BigInt(index),
  4n * 10n ** 9n,
  '{"TargetSeparated":false,"ProviderType":"centralized"}',
  address(index),
]
