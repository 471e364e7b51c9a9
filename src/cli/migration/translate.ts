import { parseArgs } from 'node:util'
import { AppError, EXIT } from '../../base/errors.ts'
import { ACCOUNT_COMMANDS } from './accountCommands.ts'
import { CONTROLLER_COMMANDS } from './controllerCommands.ts'
import { FINE_TUNING_COMMANDS } from './fineTuningCommands.ts'
import { INFERENCE_COMMANDS } from './inferenceCommands.ts'
import type { OldCommand, OldOptions } from './oldCommand.ts'

/** Every command of the network's present command line. */
export const OLD_COMMANDS: readonly OldCommand[] = [
  ...ACCOUNT_COMMANDS,
  ...INFERENCE_COMMANDS,
  ...FINE_TUNING_COMMANDS,
  ...CONTROLLER_COMMANDS,
]

/** What an old call is now. */
export interface Translation {
  readonly argv: readonly string[]
  /** What is different, for people. */
  readonly notes: readonly string[]
}

const GROUPS: Readonly<Record<string, string>> = {
  inf: 'inference',
  ft: 'fine-tuning',
  ui: 'web-ui',
  ctrl: 'controller',
}

/** Ours, which an old call may have too. */
const OURS = {
  network: 'text',
  wallet: 'text',
  rpc: 'text',
  json: 'flag',
  yes: 'flag',
  quiet: 'flag',
} as const
const GAS = ['gas-price', 'max-gas-price', 'step'] as const
const CONTRACTS = ['ledger-ca', 'inference-ca', 'fine-tuning-ca'] as const

/**
 * Reads a command line as the present command line would.
 * @returns ours, or null when it is no old command
 * @throws AppError `command_moved` where there is none of ours, `usage`
 */
export function translate(argv: readonly string[]): Translation | null {
  const found = find(argv)
  if (!found) return null
  const { command, rest } = found
  if (rest.includes('--help') || rest.includes('-h')) throw moved(command)
  const values = read(command, rest)
  const contract = CONTRACTS.find((name) => values[name] !== undefined)
  if (contract) throw ownContracts(contract)
  if (!command.to) throw moved(command)
  const kept = Object.entries(OURS).flatMap(([name, kind]) => {
    if (values[name] === undefined) return []
    return kind === 'flag' ? [`--${name}`] : [`--${name}`, String(values[name])]
  })
  const gas = GAS.some((name) => values[name] !== undefined)
  return {
    argv: [...command.to(optionsOf(command, values)), ...kept],
    notes: [
      ...(command.note ? [command.note] : []),
      ...(gas ? ['The price of gas is the chain’s own; what was given for it is not used'] : []),
    ],
  }
}

function find(argv: readonly string[]): { command: OldCommand; rest: readonly string[] } | null {
  const [first = '', second = ''] = argv
  const group = GROUPS[first] ?? first
  for (const [name, length] of [
    [`${group} ${second}`, 2],
    [group, 1],
  ] as const) {
    const command = OLD_COMMANDS.find((candidate) => candidate.name === name)
    if (command) return { command, rest: argv.slice(length) }
  }
  return null
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function read(command: OldCommand, args: readonly string[]): Values {
  const kinds: NonNullable<OldCommand['options']> = {
    ...OURS,
    ...texts([...GAS, ...CONTRACTS]),
    ...command.options,
  }
  const options = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [
      name,
      {
        type: kind === 'flag' ? ('boolean' as const) : ('string' as const),
        multiple: kind === 'list',
        ...(SHORT[name] && { short: SHORT[name] }),
      },
    ]),
  )
  try {
    return parseArgs({ args: [...args], options, strict: true }).values as Values
  } catch (cause) {
    throw usage(command, (cause as Error).message.split('. ')[0]!)
  }
}

const SHORT: Readonly<Record<string, string>> = { amount: 'a', force: 'f', port: 'p', host: 'H', yes: 'y' }

const texts = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'text' as const]))

function optionsOf(command: OldCommand, values: Values): OldOptions {
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  return {
    text,
    list: (name) => (values[name] as readonly string[] | undefined) ?? [],
    required(name) {
      const value = text(name)
      if (value !== undefined) return value
      throw usage(command, `--${name} is missing`)
    },
  }
}

const usage = ({ name, example }: OldCommand, message: string): AppError =>
  new AppError({
    code: 'usage',
    message: `${name}: ${message}`,
    hint: `As in: 0g-compute ${example}`,
    next: '0g-compute --help',
    exitCode: EXIT.usage,
  })

const moved = ({ name, note, next, to, example }: OldCommand): AppError =>
  new AppError({
    code: 'command_moved',
    message: `"${name}" is a command of the network's present command line`,
    hint: to ? `docs/MIGRATION.md has the table. As in: 0g-compute ${example}` : note!,
    next: next ?? '0g-compute --help',
    exitCode: EXIT.usage,
  })

const ownContracts = (option: string): AppError =>
  new AppError({
    code: 'command_moved',
    message: `--${option} is not taken: contracts of your own belong to a network of your own`,
    hint: 'Nothing was sent. Write the addresses into a profile once',
    next: '0g-compute network use lab --profile lab.json',
    exitCode: EXIT.usage,
  })
