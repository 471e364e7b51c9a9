import type { CommandEntry } from '../commands.ts'

const EXAMPLES = `Examples
  0g-compute devnet up                          a network here, with a provider
  0g-compute infer "What is the 0G network?"    one paid, verified answer
  0g-compute provider serve --model model.gguf  sell answers`

const GLOBAL = `Options of every command
  --json             one JSON object on stdout, or NDJSON for streams
  --network <name>   mainnet, testnet, devnet or one of your own
  --rpc <url>        another RPC for that network
  --wallet <name>    another wallet
  --yes, -y          answer yes to questions about money
  --quiet, -q        nothing on stderr but warnings and errors
  --no-color         no colour
  --help, -h         help for a command
  --version          the version`

/** Help for the program. Made of the table alone: no command is loaded. */
export function rootHelp(commands: readonly CommandEntry[]): string {
  return `0g-compute: buy and sell verified AI inference on the 0G Compute Network

${EXAMPLES}

Commands
${commandLines(commands)}

${GLOBAL}

More: 0g-compute <command> --help
      0g-compute help exit-codes | environment | trust
`
}

/** Help for a topic such as `wallet`, which is no command itself. */
export function topicHelp(topic: string, commands: readonly CommandEntry[]): string {
  return `Commands
${commandLines(commandsOf(topic, commands))}

More: 0g-compute ${topic} <command> --help
`
}

export const commandsOf = (topic: string, commands: readonly CommandEntry[]): CommandEntry[] =>
  commands.filter(({ name }) => name.startsWith(`${topic} `))

function commandLines(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return commands.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`).join('\n')
}
