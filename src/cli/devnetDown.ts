import { devnetDown } from './devnet/down.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute devnet down'],
  notes: 'The provider ends its answers and settles before it stops. What was on the chain is gone.',
  async run({ out, paths }) {
    const progress = await out.progress('Stopping the devnet')
    const stopped = await devnetDown(paths.devnet).finally(() => progress.stop())
    out.result({ stopped: stopped !== null }, () => (stopped ? 'The devnet is down.' : 'No devnet was up.'))
    return undefined
  },
}
