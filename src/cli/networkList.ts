import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { knownNetworks } from './framework/selectNetwork.ts'

export const command: CommandDefinition = {
  options: [WIDE],
  examples: ['0g-compute network list'],
  async run(context) {
    const { out, settings, devnet, network } = context
    const networks = knownNetworks(settings, devnet).map((profile) => ({
      ...profile,
      selected: profile.name === network.name,
    }))
    const rows = networks.map(({ name, kind, chainId, rpcUrls, selected }) => [
      selected ? `* ${name}` : `  ${name}`,
      kind,
      String(chainId),
      rpcUrls[0]!,
    ])
    const table = out.json ? '' : await out.table(['  name', 'kind', 'chain', 'RPC'], rows)
    out.result({ networks }, () => table)
    return undefined
  },
}
