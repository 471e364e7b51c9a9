import { malformedEvidence } from '../attestation/malformed.ts'
import { combineVerdicts, firstFailure, type Verdict } from '../attestation/verdict.ts'
import type { ProviderVerdict } from '../attestation/verifyProvider.ts'
import { verifyReceipt } from '../attestation/verifyReceipt.ts'
import { readReceipts } from '../client/receipts/contradiction.ts'
import { receiptToJson } from '../protocol/receipt.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { readInputFile } from './framework/readInput.ts'
import { policyOf, VERIFICATION_OPTIONS } from './framework/verification.ts'
import { exitCodeOf, renderSteps, renderVerdict } from './render/verdict.ts'
import { openFile, type Subject } from './verify/subject.ts'

export const command: CommandDefinition = {
  args: [['<file>', 'a receipt, as receipts show --json and infer --json write it']],
  options: [
    ['--request <file>', 'the bytes that were sent'],
    ['--response <file>', 'the bytes that came'],
    ['--evidence <file>', "the provider's evidence, as provider verify --save wrote it"],
    ['--mine', 'the evidence file is your own: its word on chain and nonce counts'],
    ['--signer <address>', 'who signs for the provider, as you know it from the chain'],
    ...VERIFICATION_OPTIONS,
  ],
  examples: [
    '0g-compute receipts verify receipt.json --signer 0xf07240Efa67755B5311bc75784a061eDB47165Dd',
    '0g-compute receipts verify receipt.json --evidence evidence.json --mine --request request.json',
  ],
  notes: `Asks nobody. Without the signer's address or evidence for it the verdict stays incomplete: it says who signed.
The evidence is judged as of when it was saved.
Exit 0: accepted; 10: rejected; 11: incomplete; 30: no receipt.`,
  async run(context, input) {
    const { out, settings } = context
    const [signed, ...others] = readReceipts(readInputFile(input.required(0)).toString('utf8'))
    if (!signed || others.length > 0) throw malformedEvidence('the file holds not one receipt')
    const evidence = await evidenceOf(context, input)
    const signer = input.address('signer') ?? evidence?.service.teeSignerAddress
    const receipt = verifyReceipt(receiptToJson(signed), {
      ...(signer && { signer }),
      ...(evidence && { provider: evidence.service.provider, chainId: context.network.chainId }),
      ...(evidence && { contract: context.network.inference }),
      ...(evidence?.verdict.evidence && { evidence: evidence.verdict.evidence }),
      ...bytesOf(input),
    })
    const verdict = evidence ? withEvidence(evidence.verdict, receipt) : receipt
    const { outcome, assurance, steps } = verdict
    const failedStep = firstFailure(verdict)?.name ?? null
    out.report(
      { verdict: outcome, assurance, failedStep, steps, receipt: receiptToJson(signed) },
      (paint) => `${renderSteps(verdict, paint)}\nVerdict: ${renderVerdict(verdict, paint)}`,
    )
    if (!signer && outcome === 'incomplete') out.next(`0g-compute provider show ${signed.receipt.provider}`)
    return exitCodeOf(verdict, settings)
  },
}

interface JudgedFile {
  readonly service: Subject['evidence']['service']
  readonly verdict: ProviderVerdict
}

async function evidenceOf(context: Context, input: Input): Promise<JudgedFile | null> {
  const path = input.text('evidence')
  if (path === undefined) return null
  const text = readInputFile(path).toString('utf8')
  const subject = await openFile(context, text, { offline: true, isMine: input.flag('mine') })
  const policy = policyOf(context.settings)
  const { service, fetchedAt } = subject.evidence
  const verdict = await subject.judge({ ...subject.sources, ...(policy && { policy }) }, fetchedAt)
  return { service, verdict }
}

/** The assurance is the evidence's: a receipt by itself has none. */
function withEvidence(evidence: Verdict, receipt: Verdict): Verdict {
  const combined = combineVerdicts(evidence, receipt)
  return { ...combined, assurance: combined.outcome === 'rejected' ? 'none' : evidence.assurance }
}

function bytesOf(input: Input): { request?: Uint8Array; response?: Uint8Array } {
  const request = input.text('request')
  const response = input.text('response')
  return {
    ...(request !== undefined && { request: readInputFile(request) }),
    ...(response !== undefined && { response: readInputFile(response) }),
  }
}
