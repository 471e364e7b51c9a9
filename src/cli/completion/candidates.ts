import { SORTS } from '../../client/routing/preferences.ts'
import { isAble } from '../../client/routing/rank.ts'
import type { Context } from '../framework/context.ts'
import type { CommandDefinition } from '../framework/definition.ts'
import { GLOBAL_OPTIONS, route } from '../framework/route.ts'
import { knownNetworks } from '../framework/selectNetwork.ts'

/**
 * What may stand where the cursor is.
 * @param words before the cursor, the last one perhaps unfinished or empty
 */
export async function candidatesFor(context: Context, words: readonly string[]): Promise<string[]> {
  const last = (words.at(-1) ?? '').replace(/^""$/, '')
  const before = words.slice(0, -1)
  const all = await everything(context, before, last)
  return [...new Set(all)].filter((candidate) => candidate.startsWith(last)).sort()
}

async function everything(
  context: Context,
  before: readonly string[],
  last: string,
): Promise<readonly string[]> {
  const { COMMANDS } = await import('../commands.ts')
  const option = before.at(-1) ?? ''
  if (option.startsWith('--')) {
    const values = await valuesOf(context, option, before[0])
    if (values) return values
  }
  const { entry } = route(before, COMMANDS)
  const names = COMMANDS.map(({ name }) => name.split(' '))
  const next = names
    .filter((name) => before.every((word, i) => name[i] === word))
    .map((name) => name[before.length])
  const following = next.filter((word) => word !== undefined)
  if (!entry) return following
  const { command } = await entry.load()
  if (last.startsWith('-')) return [...optionsOf(command), ...Object.keys(GLOBAL_OPTIONS)]
  return [...following, ...((await argumentsOf(context, entry.name)) ?? [])]
}

const optionsOf = ({ options = [] }: CommandDefinition): string[] =>
  options.flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? [])

/** What a command asks a model for, where that is no chat. */
const KINDS: Readonly<Record<string, string>> = {
  embed: 'embedding',
  image: 'image',
  transcribe: 'transcription',
}

/** Values of an option that has names as values; null for others. Live: from the chain and the providers. */
async function valuesOf(context: Context, option: string, command = ''): Promise<readonly string[] | null> {
  switch (option) {
    case '--model':
      return (await offers(context))
        .filter((offer) => isAble(offer, { kind: KINDS[command] ?? 'chat' }))
        .map(({ model }) => model)
    case '--provider':
    case '--allow':
    case '--deny':
      return (await offers(context)).map(({ service }) => service.provider)
    case '--sort':
      return SORTS
    case '--network':
      return knownNetworks(context.settings, context.devnet).map(({ name }) => name)
    case '--wallet':
      return context.wallets.names()
    default:
      return null
  }
}

async function argumentsOf(context: Context, command: string): Promise<readonly string[] | null> {
  if (command === 'provider show' || command === 'provider verify') return valuesOf(context, '--provider')
  if (command === 'network use') return valuesOf(context, '--network')
  if (/^wallet (use|unlock|lock)$/.test(command)) return valuesOf(context, '--wallet')
  if (command === 'keys revoke') return keyNames(context)
  return command === 'completion' ? ['bash', 'zsh', 'fish', 'powershell'] : null
}

/** Nothing is completed where nobody answers: a shell that asks gets no error. */
async function offers(context: Context) {
  try {
    return await (await context.compute({ needsAccount: false })).offered()
  } catch {
    return []
  }
}

async function keyNames(context: Context): Promise<string[]> {
  try {
    return (await (await context.compute()).keys.list())
      .filter(({ state }) => state === 'active')
      .map(({ name }) => name)
  } catch {
    return []
  }
}
