import { Conversation } from './chat/conversation.ts'
import { linesOf } from './chat/linesOf.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { PRIVACY_OPTIONS } from './framework/privacy.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { VERIFICATION_OPTIONS } from './framework/verification.ts'

export const command: CommandDefinition = {
  options: [
    ['--model <name>', 'which model'],
    ['--provider <address>', 'whom to ask'],
    ...ROUTING_OPTIONS,
    ...VERIFICATION_OPTIONS,
    ...PRIVACY_OPTIONS,
    ['--system <text>', 'system prompt'],
    ['--max-tokens <count>', 'at most so many tokens an answer'],
    ['--max-cost <0G>', 'most that one answer may cost'],
  ],
  examples: ['0g-compute chat', 'printf "Hello\\n/cost\\n" | 0g-compute chat --system "Be short"'],
  notes: `/model [name]  another model, or which there are
/cost          what it cost so far
/verify        the checks of the last answer
/save [file]   keep the conversation
/reset         forget what was said
/quit          end, like Ctrl-D
Without a terminal each line of stdin is a turn. Nothing of it is kept unless you /save.`,
  async run(context, input) {
    const compute = await context.compute()
    const conversation = new Conversation(context, compute, input, preferencesOf(input))
    const { out } = context
    if (process.stdin.isTTY) out.note('Ask something. /help shows what else there is, Ctrl-D ends.')
    for await (const line of linesOf(context.signal)) {
      if (line.trim() === '') continue
      if ((await conversation.turn(line)) === 'quit') break
    }
    conversation.end()
    return conversation.exitCode
  },
}
