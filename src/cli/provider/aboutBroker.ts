import { AppError } from '../../base/errors.ts'
import { quoted } from '../../base/quoted.ts'
import type { Context } from '../framework/context.ts'
import type { CommandDefinition } from '../framework/definition.ts'
import type { Input } from '../framework/input.ts'
import { SETTINGS_OPTIONS } from './settings.ts'

const OF_A_BROKER = /^0g-compute provider (serve|check|status|earnings|settle|price|stop|leave)\b/
const OF_A_START = /^0g-compute provider serve\b/
const OF_AN_ENGINE = /^0g-compute provider (serve|check)\b/
/** These say themselves what they are about, or are about nothing that a flag could change. */
const OF_NO_CALL = /^0g-compute (devnet|help|wallet new|network (list|use)|provider init)\b|--help$/

/**
 * A command about a broker of this machine: takes the configuration's options, and what an error advises to run is
 * about the same broker, wallet and network.
 */
export function aboutBroker(definition: CommandDefinition): CommandDefinition {
  return {
    ...definition,
    options: [...(definition.options ?? []), ...SETTINGS_OPTIONS],
    async run(context, input) {
      try {
        return await definition.run(context, input)
      } catch (error) {
        if (!(error instanceof AppError) || error.next === undefined) throw error
        const { exitCode, status, cause } = error
        const next = alike(context, input, error.next)
        throw new AppError({ ...error.toObject(), next, exitCode, status, cause })
      }
    },
  }
}

/** Options of a start, and its switches: the same broker needs them again. Not the database, which has a password. */
const OF_START = [
  'host',
  'port',
  'url',
  'priceInput',
  'priceOutput',
  'settleInterval',
  'settleMin',
  'credit',
  'adminPort',
  'trainer',
  'rayAddress',
] as const
const SWITCHES_OF_START = ['finetune', 'compat'] as const

/** A command with those flags of this call that it takes too: which engine, broker, wallet and network. */
export function alike({ flags }: Pick<Context, 'flags'>, input: Input, command: string): string {
  if (!command.startsWith('0g-compute ') || OF_NO_CALL.test(command)) return command
  const isStart = OF_A_START.test(command)
  const names = [
    ...(isStart ? ['tee'] : []),
    ...(OF_AN_ENGINE.test(command) ? ['engine', 'model', 'target'] : []),
    ...(OF_A_BROKER.test(command) ? ['config', 'dataDir'] : []),
    ...(isStart ? OF_START : []),
  ]
  const switches = isStart ? SWITCHES_OF_START.filter((name) => input.flag(name)) : []
  const given = [
    ...names.map((name) => [name, input.text(name)] as const),
    ...switches.map((name) => [name, ''] as const),
    ...(['wallet', 'network', 'rpc'] as const).map((name) => [name, flags[name]] as const),
  ]
  return given.reduce((line, [name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    if (value === undefined || `${line} `.includes(` ${option} `)) return line
    return value === '' ? `${line} ${option}` : `${line} ${option} ${quoted(value)}`
  }, command)
}
