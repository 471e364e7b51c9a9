import { quoted } from '../../base/quoted.ts'
import type { GlobalFlags } from './parse.ts'

type Choices = Partial<Pick<GlobalFlags, 'wallet' | 'network' | 'rpc'>>

/** These say themselves what they are about, or are about nothing that a flag could change. */
const OF_NO_CALL =
  /^0g-compute (help|devnet|config|completion|migrate|man|wallet (new|import|use)|network (list|use)|dataset (validate|root|list)|provider init)\b|--help$/
/** More than one command of ours. */
const OF_A_SHELL = /[|;&<>]/

/** What is advised to run, for the wallet and on the network that this call named. */
export function carried(command: string, choices: Choices): string {
  if (!command.startsWith('0g-compute ') || OF_NO_CALL.test(command) || OF_A_SHELL.test(command))
    return command
  return (['wallet', 'network', 'rpc'] as const).reduce((line, name) => {
    const value = choices[name]
    return value === undefined || line.includes(` --${name}`) ? line : `${line} --${name} ${quoted(value)}`
  }, command)
}
