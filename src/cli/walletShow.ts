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
    out.result(result, (paint) =>
      [
        `${paint.bold(address)}  ${paint.dim(key.origin)}`,
        `${format0G(balance)} 0G on ${network.name}`,
        ...(result.wallets.length > 1 ? [`Wallets: ${result.wallets.join(', ')}`] : []),
      ].join('\n'),
    )
    out.next(balance > 0n ? '0g-compute fund status' : 'send 0G to this address')
    return undefined
  },
}
