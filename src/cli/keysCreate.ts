import type { NewKey } from '../client/keys/apiKeys.ts'
import { chooseProvider } from './framework/chooseProvider.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { parseDuration } from './framework/duration.ts'

const DEFAULT_LIFETIME = '30d'

export const command: CommandDefinition = {
  args: [['[name]', 'what it is for (default: default)']],
  options: [
    ['--provider <address>', 'whom it is for (default: the cheapest)'],
    ['--expires <time>', `30d, 12h, … or never (default ${DEFAULT_LIFETIME})`],
  ],
  examples: [
    'export OPENAI_API_KEY=$(0g-compute keys create my-app)',
    '0g-compute keys create ci --expires 7d --json',
  ],
  notes: `The key goes to stdout, once; it is not kept here. Whoever has it spends from your account at that provider
until it expires or is revoked. A key that never expires has to be asked for with --expires never.
Its answers are not checked by the OpenAI client that uses it: 0g-compute proxy pays and verifies.`,
  async run(context, input) {
    const { out } = context
    const lifetime = input.text('expires') ?? DEFAULT_LIFETIME
    const lifetimeMs = lifetime === 'never' ? null : parseDuration(lifetime)
    const compute = await context.compute()
    const provider = await chooseProvider(context, input, compute)
    const created = await compute.keys.create({ provider, name: input.argument(0) ?? 'default', lifetimeMs })
    out.result(keyObject(created), () => created.key)
    out.note(
      [
        `Key "${created.name}" for ${created.provider}`,
        `  base URL  ${created.baseUrl}`,
        `  expires   ${created.expiresAt === 0 ? 'never: revoke it when it is no longer used' : new Date(created.expiresAt).toISOString()}`,
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
})
