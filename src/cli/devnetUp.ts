import { devnetUp } from './devnet/up.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'

const CHAIN_PORT = 8545

export const command: CommandDefinition = {
  options: [
    ['--port <port>', `port of the chain, 0 for any free one (default ${CHAIN_PORT})`],
    ['--provider-port <port>', 'port of the provider, 0 for any free one (default 0)'],
    ['--model <file>', 'GGUF that the provider serves (default: the demo model)'],
    ['--finetune', 'the provider trains too (provider init --finetune installs what it takes)'],
    ['--settle-interval <seconds>', 'between settlements (default 2)'],
  ],
  examples: ['0g-compute devnet up', '0g-compute devnet up --port 0 --model ./qwen2.5-0.5b.gguf'],
  notes:
    'A chain with the contracts, funded accounts and a provider, on this machine alone. State: ZG_DEVNET_DIR.',
  async run({ out, paths }, input) {
    const startedAt = performance.now()
    const progress = await out.progress('Starting a devnet')
    const model = input.text('model')
    try {
      const { devnet, alreadyUp } = await devnetUp({
        dir: paths.devnet,
        port: input.port('port') ?? CHAIN_PORT,
        providerPort: input.port('providerPort') ?? 0,
        settleSeconds: input.integer('settleInterval', 1) ?? 2,
        ...(model !== undefined && { model }),
        finetune: input.flag('finetune'),
        onStep: (title) => progress.update(title),
      })
      progress.stop()
      const { network, provider, accounts } = devnet
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      const result = {
        alreadyUp,
        chainId: network.chainId,
        rpc: network.rpcUrls[0],
        provider: { address: accounts.provider.address, url: provider.url },
        user: accounts.user.address,
        dir: paths.devnet,
      }
      out.result(result, (paint) =>
        [
          alreadyUp ? 'The devnet is up already.' : `A devnet is up (${seconds} s).`,
          `  chain     ${result.rpc}  ${paint.dim(`chain id ${result.chainId}`)}`,
          `  provider  ${provider.url}  ${paint.dim(result.provider.address)}`,
          `  you       ${result.user}  ${paint.dim('1000 0G, good here only')}`,
        ].join('\n'),
      )
      if (alreadyUp && asksMore(input))
        out.note('It stays as it was started. For what this call asks: 0g-compute devnet down, then again')
      out.next('0g-compute infer "What is the 0G Compute Network?"')
      return undefined
    } finally {
      progress.stop()
    }
  },
}

/** Options of a start, which one that is up already does not take. */
const asksMore = (input: Input): boolean =>
  input.flag('finetune') ||
  ['port', 'providerPort', 'model', 'settleInterval'].some((name) => input.text(name))
