import { format0G } from '../../base/units.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { FundingHooks } from '../../client/funding/funding.ts'
import type { FundingPlan } from '../../client/funding/fundingPlan.ts'
import type { Context } from '../framework/context.ts'
import type { Progress } from '../framework/output.ts'

/**
 * Says the whole plan with its exact cost, asks, and then says each transaction before it is sent.
 * @param progress stopped before it asks
 */
export function fundingHooks(context: Context, progress?: Progress): FundingHooks {
  const { out, signal } = context
  const { dim } = out.notePaint
  let shown: FundingPlan | undefined
  return {
    signal,
    approve: async (plan) => {
      progress?.stop()
      out.note(describePlan(plan, context.network))
      shown = plan
      await context.confirmSpending('From your wallet, gas included, at most', plan.deposit + plan.maxGasCost)
      return true
    },
    onStep: (step, { maxGasCost }) => {
      // What was shown a moment ago is not said again.
      const number = (shown?.steps.indexOf(step) ?? -1) + 1
      const which = number > 0 ? ` ${number} of ${shown!.steps.length}` : `: ${step.title}`
      out.note(`Sending${which} ${dim(`(gas at most ${format0G(maxGasCost)} 0G)`)}`)
    },
    onMined: (_step, { hash, fee }) => out.note(dim(`  mined: ${hash}, gas ${format0G(fee)} 0G`)),
  }
}

/** The transactions of a plan, where they are sent, and what it costs at most. */
export function describePlan(plan: FundingPlan, { name }: Pick<NetworkProfile, 'name'>): string {
  if (plan.steps.length === 0) return 'Nothing to do: the money is there.'
  const lines = plan.steps.map(({ title }, i) => `  ${i + 1}. ${title}`)
  return [`Transactions on ${name}:`, ...lines, `  ${costOf(plan)}`].join('\n')
}

const costOf = ({ deposit, maxGasCost }: FundingPlan): string =>
  deposit > 0n
    ? `${format0G(deposit)} 0G from your wallet, and up to ${format0G(maxGasCost)} 0G of gas. What is not spent stays yours`
    : `Up to ${format0G(maxGasCost)} 0G of gas from your wallet`
