import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute network show', '0g-compute network show --network testnet'],
  notes: 'Fails when the RPC does not answer or serves another chain.',
  async run(context) {
    const { out, network } = context
    const { connect } = await import('../chain/rpc.ts')
    const rpc = await connect(network)
    context.onClose(() => rpc.destroy())
    const block = await rpc.getBlockNumber()
    out.report({ ...network, block }, (paint) =>
      [
        `${paint.bold(network.name)}  ${network.kind}, chain ${network.chainId}, block ${block}`,
        `  RPC          ${network.rpcUrls.join(', ')}`,
        `  ledger       ${network.ledger}`,
        `  inference    ${network.inference}`,
        `  fine-tuning  ${network.fineTuning}`,
      ].join('\n'),
    )
    return undefined
  },
}
