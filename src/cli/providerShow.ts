import { isUnattested } from '../attestation/signers.ts'
import { toAppError } from '../base/errors.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress } from './framework/input.ts'
import { renderPrices } from './render/prices.ts'
import { renderSteps } from './render/verdict.ts'

export const command: CommandDefinition = {
  args: [['<address>', 'the provider']],
  examples: ['0g-compute provider show 0xf07240Efa67755B5311bc75784a061eDB47165Dd'],
  async run(context, input) {
    const { out } = context
    const compute = await context.compute({ needsAccount: false })
    const service = await compute.provider(asAddress(input.required(0)))
    const [offers, checked] = await Promise.all([
      compute.offers(service).catch(toAppError),
      compute.checkProvider(service).catch(toAppError),
    ])
    const models = Array.isArray(offers) ? offers.map(({ service: _service, ...offer }) => offer) : null
    const verdict = 'verdict' in checked ? checked.verdict : null
    const problem = Array.isArray(offers) ? null : offers.toObject()
    out.report({ ...service, models, verdict, problem }, (paint) =>
      [
        `${paint.bold(service.provider)}  ${service.url}`,
        `  type     ${service.serviceType}, ${service.verifiability || 'not verifiable'}`,
        isUnattested(service)
          ? '  payment  by vouchers that you sign for what was checked; no TEE: nothing proves an answer, and its machine reads it'
          : `  signer   ${service.teeSignerAddress}`,
        `  changed  ${new Date(service.updatedAt * 1000).toISOString()}`,
        ...(models ?? []).map(
          ({ model, prices, contextLength }) =>
            `  model    ${model}: ${renderPrices(prices)} (0G in / out)${contextLength ? `, context ${contextLength}` : ''}`,
        ),
        ...(problem ? [`  ${paint.red(problem.message)}`] : []),
        ...(verdict
          ? ['', `Evidence: ${verdict.outcome}, assurance ${verdict.assurance}`, renderSteps(verdict, paint)]
          : []),
      ].join('\n'),
    )
    const accept = isUnattested(service) ? ' --accept incomplete' : ''
    if (!problem) out.next(`0g-compute infer "…" --provider ${service.provider}${accept}`)
    return undefined
  },
}
