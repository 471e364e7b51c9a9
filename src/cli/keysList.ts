import type { ListedKey } from '../client/keys/apiKeys.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { spentText } from './render/keyLimit.ts'

export const command: CommandDefinition = {
  options: [
    ['--provider <address>', 'for this provider only'],
    ['--all', 'also those that expired or were revoked'],
    WIDE,
  ],
  examples: ['0g-compute keys list', '0g-compute keys list --all --json'],
  notes: `Keys that were made on this machine. Those made elsewhere cannot be listed: the chain knows revocations only.
What a key has spent of its limit is what the provider says; of a limit a day it is today's, in UTC.`,
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const all = await compute.keys.list(input.address('provider'))
    const keys = input.flag('all') ? all : all.filter(({ state }) => state === 'active')
    const rows = keys.map((key) => [
      key.name,
      key.provider,
      key.state,
      key.expiresAt === 0 ? 'never' : day(key.expiresAt),
      spentText(key),
      key.fingerprint ?? 'not finished',
    ])
    const head = ['name', 'provider', 'state', 'expires', 'spent of its limit', 'fingerprint']
    const table = out.json || rows.length === 0 ? '' : await out.table(head, rows)
    out.result({ keys: keys.map(keyObject) }, () => table || 'No keys.')
    const active = keys.find(({ state }) => state === 'active')
    out.next(active ? `0g-compute keys revoke ${active.name}` : '0g-compute keys create my-app')
    return undefined
  },
}

const keyObject = ({ expiresAt, limit, ...key }: ListedKey) => ({
  ...key,
  expiresAt: expiresAt || null,
  limit: limit ?? null,
})

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
