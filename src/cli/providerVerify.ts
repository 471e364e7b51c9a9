import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Collateral, readCollateral } from '../attestation/collateral.ts'
import { malformedEvidence } from '../attestation/malformed.ts'
import { firstFailure } from '../attestation/verdict.ts'
import { AppError, EXIT } from '../base/errors.ts'
import { isAddress } from '../base/hex.ts'
import { writeEvidenceFile } from '../client/evidence/evidenceFile.ts'
import { recording } from '../client/evidence/statements.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress, type Input } from './framework/input.ts'
import { readInputFile } from './framework/readInput.ts'
import { policyOf, VERIFICATION_OPTIONS } from './framework/verification.ts'
import { writeNewFile } from './framework/writeNewFile.ts'
import { exitCodeOf, renderSteps, renderVerdict } from './render/verdict.ts'
import { askProvider, openFile, type Subject } from './verify/subject.ts'

export const command: CommandDefinition = {
  args: [['<provider>', "a provider's address, or a file that --save wrote"]],
  options: [
    ...VERIFICATION_OPTIONS,
    ['--offline', 'ask nobody but the provider and the chain; for a file nobody at all'],
    ['--collateral <dir>', "the platform maker's statements: a JSON file, or a folder with collateral.json"],
    ['--save <file>', 'keep the evidence, so that it can be judged again'],
    ['--mine', 'the file is your own: its word on chain, nonce and NVIDIA counts'],
    ['--at <time>', 'judge as of this time, e.g. 2026-11-22T12:00:00Z'],
  ],
  examples: [
    '0g-compute provider verify 0xf07240Efa67755B5311bc75784a061eDB47165Dd',
    '0g-compute provider verify 0xf07240Efa67755B5311bc75784a061eDB47165Dd --save evidence.json',
    '0g-compute provider verify evidence.json --offline --mine --policy policy.json',
  ],
  notes: `Each step says what was compared: ✓ holds, ✗ does not, · was not checked, with the reason.
Exit 0: accepted; 10: rejected; 11: incomplete; 30: what is shown cannot be read.
docs/TRUST.md says what each step proves, and what it does not.`,
  async run(context, input) {
    const { out, settings } = context
    const policy = policyOf(settings)
    const collateral = collateralOf(input.text('collateral'))
    const at = timeOf(input)
    const subject = await subjectOf(context, input)
    const { sources, statements } = recording(subject.sources)
    const verdict = await subject.judge(
      { ...sources, ...(policy && { policy }), ...(collateral && { collateral }) },
      at ?? Date.now(),
    )
    const path = input.text('save')
    if (path !== undefined) {
      const { network, evidence } = subject
      writeNewFile(path, writeEvidenceFile({ network, evidence, statements: statements() }))
    }
    const { provider } = subject.evidence.service
    const { outcome, assurance, steps, evidence, encryptionKey } = verdict
    const failedStep = firstFailure(verdict)?.name ?? null
    out.report(
      {
        provider,
        verdict: outcome,
        assurance,
        failedStep,
        steps,
        evidence,
        encryptionKey,
        saved: path ?? null,
      },
      (paint) => `${provider}\n${renderSteps(verdict, paint)}\nVerdict: ${renderVerdict(verdict, paint)}`,
    )
    if (path !== undefined) out.next(`0g-compute provider verify ${path} --offline --mine`)
    return exitCodeOf(verdict, settings)
  },
}

function subjectOf(context: Parameters<CommandDefinition['run']>[0], input: Input): Promise<Subject> {
  const given = input.required(0)
  const options = { offline: input.flag('offline'), isMine: input.flag('mine') }
  const isFile = !isAddress(given) && (existsSync(given) || !given.startsWith('0x'))
  return isFile
    ? openFile(context, readInputFile(given).toString('utf8'), options)
    : askProvider(context, asAddress(given), options)
}

/** @throws AppError `file_unreadable`, `evidence_malformed` */
function collateralOf(path: string | undefined): Collateral | undefined {
  if (path === undefined) return undefined
  const isFolder = existsSync(path) && statSync(path).isDirectory()
  const text = readInputFile(isFolder ? join(path, 'collateral.json') : path).toString('utf8')
  try {
    return readCollateral(JSON.parse(text))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw malformedEvidence('the collateral is no JSON', error)
  }
}

/** ms; undefined for now. @throws AppError `option_invalid` */
function timeOf(input: Input): number | undefined {
  const text = input.text('at')
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isFinite(time)) return time
  throw new AppError({
    code: 'option_invalid',
    message: `--at takes a time like 2026-11-22T12:00:00Z, not "${text}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
}
