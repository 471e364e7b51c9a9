import { BUILT_IN_NETWORKS } from '../chain/networks.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { type OldConfig, oldConfigPath, readOldConfig } from './migration/oldConfig.ts'
import { keepKey } from './wallet/keepKey.ts'

const DEFAULT_NAME = 'migrated'

export const command: CommandDefinition = {
  options: [
    ['--file <path>', 'its configuration (default: ~/.0g-compute-cli/config.json)'],
    ['--name <name>', `name of the wallet here (default: ${DEFAULT_NAME})`],
  ],
  examples: ['0g-compute migrate', '0g-compute migrate --file ./old/config.json --name old'],
  notes: `Takes over key and network of 0g-compute-cli. The key is kept encrypted; the file of before is not touched, and
still holds it in clear. The commands of before are understood too: 0g-compute deposit --amount 5`,
  async run(context, input) {
    const { out, settings, env } = context
    const old = readOldConfig(input.text('file') ?? oldConfigPath(env))
    const wallet = old.privateKey ? await takeKey(context, old, input.text('name') ?? DEFAULT_NAME) : null
    const network = BUILT_IN_NETWORKS.find(({ name }) => name === old.network)?.name ?? null
    if (network) settings.save({ network })
    const result = { from: old.path, wallet, network, rpcEndpoint: old.rpcEndpoint ?? null }
    out.report(result, (paint) =>
      [
        wallet ? `Wallet ${paint.bold(wallet.name)}: ${wallet.address}` : 'There is no key in it',
        network ? `Network ${network}` : `Its network is its own: ${old.rpcEndpoint ?? 'none'}`,
      ].join('\n'),
    )
    if (wallet) out.warn(`${old.path} still holds the key in clear. When this wallet works: rm ${old.path}`)
    out.next(network ? '0g-compute doctor' : '0g-compute network list')
    return undefined
  },
}

async function takeKey(context: Context, { privateKey }: OldConfig, name: string) {
  const { asPrivateKey } = await import('./framework/privateKey.ts')
  const { address, path } = await keepKey(context, name, async () => asPrivateKey(privateKey!))
  return { name, address, path }
}
