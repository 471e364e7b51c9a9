import { format0G, format0GPerMillion } from '../../base/units.ts'
import { isAble } from '../../client/routing/rank.ts'
import type { Tool } from './tool.ts'

const NOTHING = { type: 'object', properties: {}, additionalProperties: false }

/** What can be bought. */
export const models: Tool = {
  name: 'models',
  description: 'List the models that can be asked now, with their prices in 0G per million tokens.',
  inputSchema: NOTHING,
  readOnly: true,
  async run({ compute, provider }) {
    const offers = await compute.offered()
    return {
      models: offers
        .filter((offer) => isAble(offer, { kind: 'chat' }))
        .filter(({ service }) => provider === undefined || service.provider === provider)
        .map(({ model, service, prices, contextLength, tools, vision }) => ({
          model,
          provider: service.provider,
          inputPrice: format0GPerMillion(prices.input),
          outputPrice: format0GPerMillion(prices.output),
          contextLength,
          tools,
          vision,
        })),
    }
  },
}

/** Where the money is. */
export const balance: Tool = {
  name: 'balance',
  description: "The user's money in 0G: wallet, ledger, at providers, and what this session may still cost.",
  inputSchema: NOTHING,
  readOnly: true,
  async run({ compute, budget }) {
    const { wallet, available, subAccounts } = await compute.fundStatus({ askProviders: false })
    return {
      wallet: format0G(wallet),
      ledger: format0G(available),
      providers: subAccounts.map(({ provider, free }) => ({ provider, free: format0G(free) })),
      spentInThisSession: format0G(budget.spent),
      budgetLeft: format0G(budget.left),
    }
  },
}
