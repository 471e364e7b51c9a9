import { readFileSync } from 'node:fs'
import { parse0G } from '../base/units.ts'
import { withinBudget } from '../client/openai.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { whenAborted } from './framework/whenAborted.ts'
import { fundingHooks } from './render/funding.ts'

/** 0G. */
const DEFAULT_BUDGET = '1'

export const command: CommandDefinition = {
  options: [
    ['--budget <0G>', `most that the session may cost (default ${DEFAULT_BUDGET})`],
    ['--max-cost <0G>', 'most that one call may cost'],
    ['--provider <address>', 'only this provider'],
    ...ROUTING_OPTIONS,
  ],
  examples: ['0g-compute mcp', '0g-compute mcp --budget 0.1 --max-cost 0.01 --network testnet --yes'],
  notes: `An MCP server on stdin and stdout, for agents: infer, models, balance, finetune. Each answer is paid for from
your wallet and verified. On mainnet money moves to a provider only with --yes. In an agent's settings:
  { "command": "0g-compute", "args": ["mcp", "--budget", "0.1", "--yes"] }`,
  async run(context, input) {
    const { loadSdk } = await import('./mcp/sdk.ts')
    const sdk = loadSdk()
    const { mcpServer } = await import('./mcp/server.ts')
    const { Budget } = await import('./mcp/budget.ts')
    const budget = parse0G(input.text('budget') ?? DEFAULT_BUDGET)
    const maxCost = input.text('maxCost') ?? context.settings.get('max-cost')
    const desk = {
      compute: await context.compute(),
      budget: new Budget(budget),
      maxCost: maxCost === undefined ? undefined : parse0G(maxCost),
      provider: input.address('provider'),
      preferences: preferencesOf(input),
      funding: fundingOf(context, budget),
    }
    const server = mcpServer(sdk, desk, version())
    const left = new Promise<void>((resolve) => {
      server.onclose = resolve
      process.stdin.once('end', resolve)
    })
    await server.connect(new sdk.StdioServerTransport())
    context.out.note(`Serving MCP on stdin and stdout, for ${context.network.name}`)
    await Promise.race([whenAborted(context.signal), left])
    await server.close()
    return undefined
  },
}

/** What moves to providers stays the user's: twice the budget may, and on mainnet only where --yes said so. */
function fundingOf(context: Context, budget: bigint) {
  const approve = withinBudget(2n * budget)
  const isAllowed = context.network.kind !== 'mainnet' || context.flags.yes
  return {
    ...fundingHooks(context),
    approve: (plan: Parameters<typeof approve>[0]) => isAllowed && approve(plan),
  }
}

const version = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
