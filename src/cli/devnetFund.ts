import { getAddress } from 'ethers'
import { isAddress } from '../base/hex.ts'
import { format0G, parse0G } from '../base/units.ts'
import { RpcProvider } from '../chain/rpc.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { devnetDown } from './framework/selectNetwork.ts'
import { DEVNET_GIFT } from './framework/wayToMoney.ts'

export const command: CommandDefinition = {
  args: [
    ['<wallet>', 'name of a wallet, or an address'],
    ['[amount]', `in 0G (default: ${DEVNET_GIFT})`],
  ],
  examples: [
    '0g-compute devnet fund work',
    '0g-compute devnet fund 0xf07240Efa67755B5311bc75784a061eDB47165Dd 5',
  ],
  notes: 'Makes 0G out of nothing, on the devnet of this machine alone.',
  async run(context, input) {
    const { out, devnet, wallets } = context
    const to = input.required(0)
    const instead = (known: string) => `0g-compute devnet fund ${known}`
    const amount = parse0G(input.argument(1) ?? `${DEVNET_GIFT}`)
    const address = getAddress(isAddress(to) ? to : wallets.read(to, instead).address)
    if (!devnet) throw devnetDown()
    const rpc = new RpcProvider(devnet.network)
    context.onClose(() => rpc.destroy())
    const balance = (await rpc.getBalance(address)) + amount
    await rpc.send('anvil_setBalance', [address, `0x${balance.toString(16)}`])
    out.result({ address, amount, balance }, () => `${address} has ${format0G(balance)} 0G on the devnet`)
    if (!isAddress(to)) out.next(`0g-compute infer "…" --wallet ${to}`)
    return undefined
  },
}
