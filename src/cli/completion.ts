import { AppError, EXIT } from '../base/errors.ts'
import { candidatesFor } from './completion/candidates.ts'
import { SCRIPTS } from './completion/scripts.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[words...]', 'bash, zsh, fish or powershell']],
  examples: [
    'source <(0g-compute completion bash)',
    '0g-compute completion zsh > ~/.zsh/completions/_0g-compute',
    '0g-compute completion fish > ~/.config/fish/completions/0g-compute.fish',
    '0g-compute completion powershell | Out-String | Invoke-Expression',
  ],
  notes: 'Commands, options, and the names of models and providers as they are now.',
  async run(context, input) {
    const words = input.argument(0) as unknown as readonly string[]
    const [shell, ...rest] = words
    if (shell === 'words') {
      const candidates = await candidatesFor(context, rest)
      context.out.result({ candidates }, () => candidates.join('\n'))
      return undefined
    }
    const script =
      shell !== undefined && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell as keyof typeof SCRIPTS] : null
    if (script === null || rest.length > 0) throw shellUnknown(shell)
    context.out.result({ shell, script }, () => script)
    return undefined
  },
}

const shellUnknown = (shell: string | undefined): AppError =>
  new AppError({
    code: 'shell_unknown',
    message: shell === undefined ? 'Which shell?' : `There is no completion for "${shell}"`,
    hint: `Shells: ${Object.keys(SCRIPTS).join(', ')}`,
    next: '0g-compute completion bash',
    exitCode: EXIT.usage,
  })
