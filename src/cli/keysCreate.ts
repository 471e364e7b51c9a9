import { AppError, EXIT } from '../base/errors.ts'
import type { KeyRequest, NewKey } from '../client/keys/apiKeys.ts'
import { chooseProvider } from './framework/chooseProvider.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { parseDuration } from './framework/duration.ts'
import type { Input } from './framework/input.ts'
import { limitText } from './render/keyLimit.ts'

const DEFAULT_LIFETIME = '30d'

export const command: CommandDefinition = {
  args: [['[name]', 'what it is for (default: default)']],
  options: [
    ['--provider <address>', 'whom it is for (default: the cheapest)'],
    ['--limit <0G>', 'what it may spend, counted by the provider (default: all that the account has)'],
    ['--per <period>', 'what the limit is for: day (of UTC) or total (default total)'],
    ['--expires <time>', `30d, 12h, … or never (default ${DEFAULT_LIFETIME})`],
  ],
  examples: [
    'export OPENAI_API_KEY=$(0g-compute keys create my-app)',
    '0g-compute keys create ci --expires 7d --json',
    '0g-compute keys create demo --limit 0.5 --per day',
  ],
  notes: `The key goes to stdout, once; it is not kept here. Whoever has it spends from your account at that provider
until it expires or is revoked, or has spent its limit. A limit is signed into the key; the provider counts, and
answers 402 beyond it. No key is made where a provider does not count, nor where it has no TEE: each request to it
needs a voucher. A key that never expires has to be asked for with --expires never.
Its answers are not checked by the OpenAI client that uses it: 0g-compute proxy pays and verifies.`,
  async run(context, input) {
    const { out } = context
    const lifetime = input.text('expires') ?? DEFAULT_LIFETIME
    const lifetimeMs = lifetime === 'never' ? null : parseDuration(lifetime)
    const limit = limitIn(input)
    const compute = await context.compute()
    const provider = await chooseProvider(context, input, compute)
    const name = input.argument(0) ?? 'default'
    const created = await compute.keys.create({ provider, name, lifetimeMs, ...(limit && { limit }) })
    out.result(keyObject(created), () => created.key)
    out.note(
      [
        `Key "${created.name}" for ${created.provider}`,
        `  base URL  ${created.baseUrl}`,
        `  expires   ${created.expiresAt === 0 ? 'never: revoke it when it is no longer used' : new Date(created.expiresAt).toISOString()}`,
        `  limit     ${limitText(created)}`,
      ].join('\n'),
    )
    out.next(
      created.hasAccount
        ? `0g-compute keys revoke ${created.name}`
        : `0g-compute fund 1 --provider ${provider}`,
    )
    return undefined
  },
}

/** @throws AppError `option_invalid`, `amount_invalid` */
function limitIn(input: Input): KeyRequest['limit'] {
  const amount = input.amount('limit')
  const per = input.text('per')
  if (per !== undefined && per !== 'day' && per !== 'total') throw perInvalid(per)
  if (amount !== undefined) return { amount, per: per ?? 'total' }
  if (per !== undefined) throw limitMissing()
  return undefined
}

const perInvalid = (value: string): AppError =>
  new AppError({
    code: 'option_invalid',
    message: `--per takes day or total, not "${value}"`,
    hint: 'A day is one of UTC',
    exitCode: EXIT.usage,
  })

const limitMissing = (): AppError =>
  new AppError({
    code: 'option_invalid',
    message: '--per says what a --limit is for, and there is none',
    hint: 'For example --limit 0.5 --per day',
    exitCode: EXIT.usage,
  })

const keyObject = ({
  name,
  key,
  baseUrl,
  provider,
  tokenId,
  generation,
  createdAt,
  expiresAt,
  fingerprint,
  limit,
}: NewKey) => ({
  name,
  key,
  baseUrl,
  provider,
  tokenId,
  generation,
  createdAt,
  expiresAt: expiresAt === 0 ? null : expiresAt,
  fingerprint,
  limit: limit ?? null,
})
