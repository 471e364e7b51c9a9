import { isAlive } from '../base/isAlive.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute devnet status'],
  async run({ out, paths, devnet }) {
    if (!devnet) {
      out.report({ up: false, dir: paths.devnet }, () => 'No devnet is up.')
      out.next('0g-compute devnet up')
      return undefined
    }
    const { network, accounts, provider, anvil } = devnet
    const serving = isAlive(provider.pid) && (await answers(`${provider.url}/healthz`))
    const result = {
      up: true,
      chain: { rpc: network.rpcUrls[0], chainId: network.chainId, pid: anvil.pid },
      provider: { address: accounts.provider.address, url: provider.url, pid: provider.pid, serving },
      user: accounts.user.address,
      dir: paths.devnet,
    }
    out.report(result, (paint) =>
      [
        `  chain     ${result.chain.rpc}  ${paint.dim(`process ${anvil.pid}`)}`,
        `  provider  ${provider.url || '-'}  ${serving ? paint.green('serving') : paint.red('not serving')}  ${paint.dim(accounts.provider.address)}`,
        `  you       ${accounts.user.address}`,
        `  folder    ${paths.devnet}`,
      ].join('\n'),
    )
    if (!serving) out.next('0g-compute devnet up')
    return undefined
  },
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  )
