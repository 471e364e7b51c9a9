import { larger } from '../base/bigint.ts'
import type { Address } from '../base/hex.ts'
import { format0G, ONE_0G, parse0G } from '../base/units.ts'
import { freeBalance } from '../chain/inference.ts'
import type { Compute } from '../client/compute.ts'
import type { FundingPlan } from '../client/funding/fundingPlan.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { amountToMove } from './framework/input.ts'
import { describePlan, fundingHooks } from './render/funding.ts'

/** Deposited where no amount is given, unless the chain's minimum is more. */
const DEFAULT_DEPOSIT = ONE_0G

export const command: CommandDefinition = {
  args: [['[amount]', 'in 0G (default: 1, or the least that the chain takes)']],
  options: [
    [
      '--provider <address>',
      'goes on to your sub-account at this provider, and acknowledges its signer if it has one',
    ],
    ['--dry-run', 'shows what would be sent'],
  ],
  examples: [
    '0g-compute fund 1',
    '0g-compute fund 0.5 --provider 0xf07240Efa67755B5311bc75784a061eDB47165Dd',
    '0g-compute fund 1 --dry-run',
  ],
  notes: `Shows amount and gas first, and asks. What is not spent comes back with: 0g-compute fund withdraw
A provider without a TEE has no signer: your first request lets a session key pay it by vouchers, and asks before that.`,
  async run(context, input) {
    const { out } = context
    const text = input.argument(0)
    const provider = input.address('provider')
    // At a provider nothing more may be needed than the acknowledgement of its signer.
    const read = provider ? parse0G : amountToMove
    const amount = text === undefined ? undefined : read(text)
    const compute = await context.compute()
    if (provider) await compute.provider(provider)
    const needed = provider
      ? (await freeAt(compute, provider)) + (amount ?? 0n)
      : (amount ?? (await leastDeposit(compute)))
    if (input.flag('dryRun')) return showPlan(context, await compute.planFunds(provider ?? null, needed))
    const hooks = fundingHooks(context)
    const { plan, transactions } = provider
      ? await compute.ensureFunds(provider, needed, hooks)
      : await compute.deposit(needed, hooks)
    const result = {
      network: context.network.name,
      provider: plan.provider,
      deposited: plan.deposit,
      transferred: plan.transfer,
      transactions,
    }
    out.report(result, () => summary(result))
    out.next(provider ? `0g-compute infer "…" --provider ${provider}` : '0g-compute infer "…"')
    return undefined
  },
}

/** What the provider can charge now; funding goes on top. */
async function freeAt(compute: Compute, provider: Address): Promise<bigint> {
  const account = await compute.account(provider)
  return account ? freeBalance(account) : 0n
}

function showPlan({ out, network }: Context, plan: FundingPlan): undefined {
  const steps = plan.steps.map(({ title, value }) => ({ title, value }))
  const { provider, deposit, transfer, maxGasCost } = plan
  const about = { dryRun: true, network: network.name, provider, deposit, transfer, maxGasCost, steps }
  out.report(about, () => describePlan(plan, network))
}

async function leastDeposit(compute: Compute): Promise<bigint> {
  const { deposit } = await compute.minimums()
  return larger(deposit, DEFAULT_DEPOSIT)
}

function summary(result: {
  readonly network: string
  readonly deposited: bigint
  readonly transferred: bigint
  readonly provider: string | null
  readonly transactions: readonly unknown[]
}): string {
  if (result.transactions.length === 0) return 'Nothing to do: the money is there.'
  const parts = [
    ...(result.deposited > 0n ? [`${format0G(result.deposited)} 0G deposited`] : []),
    ...(result.transferred > 0n ? [`${format0G(result.transferred)} 0G at ${result.provider}`] : []),
  ]
  return parts.length > 0
    ? `${parts.join(', ')}, on ${result.network}.`
    : `The signer is acknowledged on ${result.network}.`
}
