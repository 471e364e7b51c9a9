import { toBeHex, zeroPadValue } from 'ethers'
import { ONE_0G } from '../../src/base/units.ts'
import type { World } from './world.ts'

/** Registered by one block: with more than half of its gas used, gas would cost more from block to block. */
const PER_BLOCK = 25

/** Registers services of so many providers that nobody has a key of. Their prices rise from the first to the last. */
export async function registerMany({ anvil, inference }: World, count: number): Promise<void> {
  const { rpc } = anvil
  await rpc.send('anvil_autoImpersonateAccount', [true])
  await rpc.send('evm_setAutomine', [false])
  const register = inference.getFunction('addOrUpdateService')
  for (let done = 0; done < count; done += PER_BLOCK) {
    const block = Array.from({ length: Math.min(PER_BLOCK, count - done) }, (_, i) => done + i)
    await Promise.all(
      block.map((index) => rpc.send('anvil_setBalance', [address(index), toBeHex(10n * ONE_0G)])),
    )
    await Promise.all(
      block.map(async (index) => {
        const { data } = await register.populateTransaction(paramsOf(index))
        const call = {
          from: address(index),
          to: inference.target,
          data,
          value: toBeHex(ONE_0G),
          gas: '0xf4240',
        }
        await rpc.send('eth_sendTransaction', [call])
      }),
    )
    await rpc.send('evm_mine', [])
  }
  await rpc.send('evm_setAutomine', [true])
  await rpc.send('anvil_autoImpersonateAccount', [false])
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
