import { getAddress } from 'ethers'
import { format0G } from '../base/units.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute wallet show', '0g-compute wallet show --wallet work --json'],
  async run(context) {
    const { out, wallets, network } = context
    const key = await context.key()
    const { connect } = await import('../chain/rpc.ts')
    const rpc = await connect(network)
    context.onClose(() => rpc.destroy())
    const balance = await rpc.getBalance(key.address)
    const address = getAddress(key.address)
    const result = { address, origin: key.origin, network: network.name, balance, wallets: wallets.names() }
    const hasOthers = result.wallets.some((name) => key.origin !== `wallet "${name}"`)
    out.result(result, (paint) =>
      [
        `${paint.bold(address)}  ${paint.dim(key.origin)}`,
        `${format0G(balance)} 0G on ${network.name}`,
        ...(hasOthers ? [`Wallets: ${result.wallets.join(', ')}`] : []),
      ].join('\n'),
    )
    const wayToMoney =
      network.kind === 'devnet' ? `0g-compute devnet fund ${address}` : 'send 0G to this address'
    out.next(balance > 0n ? '0g-compute fund status' : wayToMoney)
    return undefined
  },
}
