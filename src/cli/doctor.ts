import { EXIT } from '../base/errors.ts'
import { CHECKS } from './doctor/checks.ts'
import { type Finding, runChecks } from './doctor/runChecks.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute doctor', '0g-compute doctor --network testnet --json'],
  notes:
    'One line a check, and the command that repairs what is wrong. Exit 1 when something is. Nothing is changed.',
  async run(context) {
    const { out } = context
    const progress = await out.progress('Looking')
    const found = await runChecks(context, CHECKS).finally(() => progress.stop())
    const findings = found.map((finding) => ({
      ...finding,
      ...(finding.fix && { fix: out.carried(finding.fix) }),
    }))
    const failed = findings.filter(({ result }) => result === 'FAIL')
    out.report({ ok: failed.length === 0, checks: findings }, (paint) => {
      const colors = { PASS: paint.green, WARN: paint.yellow, FAIL: paint.red }
      return findings.map((finding) => line(finding, colors[finding.result])).join('\n')
    })
    const fix = (failed[0] ?? findings.find(({ result }) => result === 'WARN'))?.fix
    out.next(fix ?? '0g-compute infer "What is the 0G network?"')
    return failed.length > 0 ? EXIT.failed : undefined
  },
}

const line = ({ result, name, detail, fix }: Finding, color: (text: string) => string): string =>
  `${color(result)}  ${name.padEnd(9)}  ${detail}${fix ? `\n                 ${fix}` : ''}`
