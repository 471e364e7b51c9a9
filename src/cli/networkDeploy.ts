import { AppError, EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import { DEVNET_CHAIN_ID, type NetworkProfile } from '../chain/networks.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asProfile } from './framework/selectNetwork.ts'

/** Gas of all transactions of a deployment together, with room: measured 13 million. */
const DEPLOYMENT_GAS = 18_000_000n

export const command: CommandDefinition = {
  args: [['<name>', 'name of the new network']],
  options: [
    ['--owner <address>', 'registers services and acknowledges signers (default: nobody, for ever)'],
    ['--lock-time <seconds>', 'from asking for money back to having it (default 86400)'],
    ['--stake <0G>', 'stake of a provider (default 100)'],
    ['--penalty <percent>', 'of a fee, for a delivered model that nobody fetched (default 30)'],
    ['--dry-run', 'shows what it would cost'],
  ],
  examples: [
    '0g-compute network deploy lab --rpc http://127.0.0.1:8545 --network devnet',
    '0g-compute network deploy mine --network testnet --stake 1 --dry-run',
  ],
  notes:
    'Deploys contracts of your own to the chain of the network in use, and keeps their addresses under the name.',
  async run(context, input) {
    const { out, settings, network } = context
    const name = input.required(0)
    if (['mainnet', 'testnet', 'devnet'].includes(name)) throw nameTaken(name)
    const owner = input.address('owner')
    const lockTimeSeconds = input.integer('lockTime', 1)
    const minProviderStake = input.amount('stake')
    const penaltyPercentage = input.integer('penalty', 0, 100)

    const { connect } = await import('../chain/rpc.ts')
    const rpc = await connect(network)
    context.onClose(() => rpc.destroy())
    const { gasPrice, maxFeePerGas } = await rpc.getFeeData()
    const cost = DEPLOYMENT_GAS * (maxFeePerGas ?? gasPrice ?? 0n)
    if (input.flag('dryRun')) {
      out.result({ dryRun: true, maxGasCost: cost }, () => `Up to ${format0G(cost)} 0G of gas`)
      return undefined
    }
    await assertCanPay(context, rpc, cost)
    await context.confirmSpending(`Deploying a network to chain ${network.chainId} costs up to`, cost)

    const [{ Wallet }, { deployNetwork }] = await Promise.all([
      import('ethers'),
      import('../chain/deploy.ts'),
    ])
    const signer = new Wallet(await (await context.key()).unlock(), rpc)
    const progress = await out.progress('Deploying')
    const deployment = await deployNetwork(signer, {
      ...(owner && { owner }),
      ...(lockTimeSeconds !== undefined && { lockTimeSeconds }),
      ...(minProviderStake !== undefined && { minProviderStake }),
      ...(penaltyPercentage !== undefined && { penaltyPercentage }),
    }).finally(() => progress.stop())

    const profile = asProfile(name, {
      ...deployment,
      deployedAt: deployment.block,
      rpcUrls: network.rpcUrls,
      confirmations: confirmationsOf(network),
    })
    settings.save({ networks: { ...settings.customNetworks, [name]: profile } })
    out.result(
      { ...profile, stakes: deployment.stakes, block: deployment.block, gasUsed: deployment.gasUsed },
      (paint) =>
        [
          `${paint.bold(name)} is deployed on chain ${profile.chainId}${owner ? '' : ', without an owner'}`,
          `  ledger       ${profile.ledger}`,
          `  inference    ${profile.inference}`,
          `  fine-tuning  ${profile.fineTuning}`,
          `  stakes       ${deployment.stakes}`,
        ].join('\n'),
    )
    if (owner) out.note(`The owner still has to call acceptOwnership() of the ledger: ${owner}`)
    out.next(`0g-compute network use ${name}`)
    return undefined
  },
}

async function assertCanPay(context: Context, rpc: import('ethers').Provider, cost: bigint): Promise<void> {
  const address = await context.address()
  const balance = await rpc.getBalance(address)
  if (balance >= cost) return
  throw new AppError({
    code: 'insufficient_funds',
    message: `The deployment may cost ${format0G(cost)} 0G, ${address} has ${format0G(balance)} 0G: ${format0G(cost - balance)} 0G missing`,
    hint: 'Send 0G to the wallet, then run the command again. Nothing was sent',
    next: '0g-compute wallet show',
    exitCode: EXIT.noFunds,
    details: { needed: cost.toString(), balance: balance.toString() },
  })
}

const confirmationsOf = (network: NetworkProfile): number =>
  network.chainId === DEVNET_CHAIN_ID ? 1 : network.confirmations

const nameTaken = (name: string): AppError =>
  new AppError({
    code: 'network_name_taken',
    message: `"${name}" is the name of a built-in network`,
    hint: 'Choose another name',
    next: '0g-compute network list',
    exitCode: EXIT.usage,
  })
