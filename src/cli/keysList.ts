import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [
    ['--provider <address>', 'for this provider only'],
    ['--all', 'also those that expired or were revoked'],
  ],
  examples: ['0g-compute keys list', '0g-compute keys list --all --json'],
  notes:
    'Keys that were made on this machine. Those made elsewhere cannot be listed: the chain knows revocations only.',
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const all = await compute.keys.list(input.address('provider'))
    const keys = input.flag('all') ? all : all.filter(({ state }) => state === 'active')
    const rows = keys.map(({ name, provider, state, expiresAt, fingerprint }) => [
      name,
      provider,
      state,
      expiresAt === 0 ? 'never' : day(expiresAt),
      fingerprint ?? 'not finished',
    ])
    const head = ['name', 'provider', 'state', 'expires', 'fingerprint']
    const table = out.json || rows.length === 0 ? '' : await out.table(head, rows)
    out.result(
      { keys: keys.map((key) => ({ ...key, expiresAt: key.expiresAt || null })) },
      () => table || 'No keys.',
    )
    out.next(keys.length > 0 ? `0g-compute keys revoke ${keys[0]!.name}` : '0g-compute keys create my-app')
    return undefined
  },
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
