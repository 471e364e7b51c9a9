import { getAddress } from 'ethers'
import { format0G } from '../base/units.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { wayToMoney } from './framework/wayToMoney.ts'

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
    out.report(result, (paint) =>
      [
        `${paint.bold(address)}  ${paint.dim(key.origin)}`,
        `${format0G(balance)} 0G on ${network.name}`,
        ...(hasOthers ? [`Wallets: ${result.wallets.join(', ')}`] : []),
      ].join('\n'),
    )
    if (balance > 0n) out.next('0g-compute fund status')
    else out.next(network.kind === 'devnet' ? await wayToMoney(context) : 'send 0G to this address')
    return undefined
  },
}
