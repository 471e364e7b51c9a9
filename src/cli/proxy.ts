import { join } from 'node:path'
import { AppError, EXIT, type ExitCode } from '../base/errors.ts'
import { format0G, parse0G } from '../base/units.ts'
import type { FundingPlan } from '../client/funding/fundingPlan.ts'
import { withinBudget } from '../client/openai.ts'
import type { ProxyLine } from '../client/proxy/proxyServer.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress, type Input } from './framework/input.ts'
import { PRIVACY_OPTIONS, privacyOf } from './framework/privacy.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'
import { whenAborted } from './framework/whenAborted.ts'
import { failoverText } from './render/failover.ts'
import { fundingHooks } from './render/funding.ts'
import { exitCodeOf, renderVerdict } from './render/verdict.ts'

const DEFAULT_PORT = 8420
/** 0G a day. */
const DEFAULT_LIMIT = '1'

export const command: CommandDefinition = {
  options: [
    ['--port <port>', `port to listen on, 0 for any free one (default ${DEFAULT_PORT})`],
    ['--host <address>', 'address to listen on (default 127.0.0.1)'],
    ['--max-spend <0G>', `most that a day may cost, by UTC (default ${DEFAULT_LIMIT}; none for no limit)`],
    ['--max-cost <0G>', 'most that one answer may cost'],
    ['--model <name>', 'for requests that name none, "auto", or a model of another vendor'],
    ['--provider <address>', 'only this provider'],
    ...ROUTING_OPTIONS,
    ...VERIFICATION_OPTIONS,
    ...PRIVACY_OPTIONS,
    ['--new-token', 'make another token; the one before is refused from now on'],
    ['--show-token', 'print the token and end'],
  ],
  examples: [
    '0g-compute proxy',
    '0g-compute proxy --max-spend 0.5 --sort latency',
    'export OPENAI_BASE_URL=http://127.0.0.1:8420/v1 OPENAI_API_KEY=$(0g-compute proxy --show-token)',
  ],
  notes: `OpenAI's chat, completions, embeddings, images, transcriptions, models and Responses, and Anthropic's Messages.
Each answer is paid for and verified; an answer that contradicts its proof is an error, and a stream of it has no
regular end.
Headers say x-0g-verdict, x-0g-provider, x-0g-fee (neuron) and x-0g-receipt; a stream says them at its end, as a
comment and as trailers. Another provider is asked when one fails before its first text.`,
  async run(context, input) {
    const { out, paths, settings, signal } = context
    const tokenPath = join(paths.state, 'proxy', 'token')
    const { openProxyToken } = await import('../client/proxy/proxyToken.ts')
    const { token, isNew } = await openProxyToken(tokenPath, input.flag('newToken'))
    if (input.flag('showToken')) {
      out.result({ token }, () => token)
      return undefined
    }
    const compute = await context.compute()
    const { ProxyServer } = await import('../client/proxy/proxyServer.ts')
    const { SpendBook } = await import('../client/proxy/spendBook.ts')
    const limit = limitOf(input)
    const spending = await SpendBook.open(spendPath(context), limit)
    const provider = input.text('provider') ?? settings.get('provider')
    const model = input.text('model') ?? settings.get('model')
    const maxCost = input.text('maxCost') ?? settings.get('max-cost')
    let worst: ExitCode = EXIT.ok
    const proxy = new ProxyServer(compute, {
      host: input.text('host') ?? '127.0.0.1',
      port: input.port('port') ?? DEFAULT_PORT,
      token,
      spending,
      preferences: preferencesOf(input),
      ...privacyOf(input),
      ...(provider !== undefined && { provider: asAddress(provider) }),
      ...(model !== undefined && { model }),
      ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
      hooks: {
        ...fundingHooks(context),
        approve: approval(context, limit),
        onFailover: (offer, error, next) => out.note(failoverText(offer, error, next)),
      },
      onRequest: (line) => {
        if (line.answer) worst = Math.max(worst, exitCodeOf(line.answer.verdict, settings)) as ExitCode
        out.note(describe(context, line))
      },
    })
    const baseUrl = await proxy.listen()
    context.onClose(() => proxy.close())
    const ready = {
      network: context.network.name,
      baseUrl,
      tokenFile: tokenPath,
      ...(isNew && { token }),
      limit,
      spentToday: spending.today,
    }
    out.report(ready, (paint) =>
      [
        `Listening on ${paint.bold(baseUrl)}`,
        isNew ? `  API key   ${token}  (shown once; kept in ${tokenPath})` : `  API key   in ${tokenPath}`,
        `  network   ${ready.network}`,
        `  today     ${format0G(spending.today)} ${limit === null ? '0G, no limit' : `of ${format0G(limit)} 0G`}`,
      ].join('\n'),
    )
    await whenAborted(signal)
    return worst
  },
}

function limitOf(input: Input): bigint | null {
  const text = input.text('maxSpend') ?? DEFAULT_LIMIT
  return text === 'none' ? null : parse0G(text)
}

/** A book for each account and network. */
function spendPath({ paths, network }: Context): string {
  return join(paths.state, 'proxy', `spent-${network.chainId}-${network.inference.toLowerCase()}.json`)
}

/**
 * Money that moves to providers stays the user's, and nobody is there to ask at each answer: twice the day's limit may
 * move in a day. On mainnet that has to be said with --yes.
 */
export function approval(
  context: Pick<Context, 'network'> & { readonly flags: Pick<Context['flags'], 'yes'> },
  limit: bigint | null,
): (plan: FundingPlan) => boolean {
  let day = ''
  let approve = withinBudget(0n)
  return (plan) => {
    if (context.network.kind === 'mainnet' && !context.flags.yes) throw needsYes()
    if (limit === null) return true
    const today = new Date().toISOString().slice(0, 10)
    if (today !== day) approve = withinBudget(2n * limit)
    day = today
    return approve(plan)
  }
}

const needsYes = (): AppError =>
  new AppError({
    code: 'confirmation_needed',
    message: 'The provider needs money, and the proxy was not told that it may move any',
    hint: 'Start it with --yes, or fund the provider yourself',
    next: '0g-compute proxy --yes --max-spend 1',
    exitCode: EXIT.noFunds,
    status: 402,
  })

function describe({ out }: Context, { path, status, ms, answer, error }: ProxyLine): string {
  if (error) return `${path} ${status} ${ms} ms ${error.code}`
  if (!answer) return `${path} ${status} ${ms} ms`
  const fee = answer.fee === null ? 'no receipt' : `${format0G(answer.fee)} 0G`
  return `${path} ${status} ${ms} ms ${answer.model} ${fee} ${renderVerdict(answer.verdict, out.notePaint)}`
}
