import { counted } from '../base/counted.ts'
import { format0G, format0GPerMillion } from '../base/units.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import { readAdminFile } from '../provider/admin/adminFile.ts'
import type { BrokerStatus } from '../provider/control.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { aboutBroker, alike } from './provider/aboutBroker.ts'
import { duration } from './provider/duration.ts'
import { providerSettings } from './provider/settings.ts'

export const command: CommandDefinition = aboutBroker({
  examples: ['0g-compute provider status', '0g-compute provider status --json'],
  async run(context, input) {
    const { dataDir } = providerSettings(context, input)
    const status = await askBroker<BrokerStatus>(dataDir, 'GET', '/status')
    const { pid, url } = readAdminFile(dataDir)
    context.out.report({ ...status, pid, metrics: `${url}/metrics`, dataDir }, (paint) =>
      [
        `${status.ready ? paint.green('Serving') : paint.red(`Not ready: ${status.unready.join(', ')}`)} at ${status.url}  ${paint.dim(`process ${pid}, up ${duration(status.upMs)}`)}`,
        `  provider  ${status.provider}`,
        `  signer    ${status.signer}  ${paint.dim(status.assurance)}`,
        `  engine    ${status.engine.kind}, ${status.engine.state}`,
        ...status.models.map(
          ({ id, input: dear, output }) =>
            `  model     ${id}: ${format0GPerMillion(BigInt(dear))} / ${format0GPerMillion(BigInt(output))} 0G per million tokens in / out`,
        ),
        `  running   ${counted(status.running, 'request')}, at most ${counted(status.tokensInFlight, 'token')}`,
        `  owed      ${format0G(BigInt(status.owed))} 0G${status.oldestOwedMs ? `, the oldest for ${duration(status.oldestOwedMs)}` : ''}`,
        `  chain     head seen ${duration(status.headAgeMs)} ago`,
        `  metrics   ${url}/metrics`,
      ].join('\n'),
    )
    if (BigInt(status.owed) > 0n) context.out.next(alike(context, input, '0g-compute provider settle'))
    return undefined
  },
})
