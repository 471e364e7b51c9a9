import { AppError, EXIT } from '../../base/errors.ts'
import { hexToBytes } from '../../base/hex.ts'
import type { SealTarget } from '../../protocol/e2ee/index.ts'
import type { CheckedProvider } from '../providerCheck.ts'
import { type Endpoint, isForm } from './endpoints.ts'
import type { PurchaseRequest } from './purchase.ts'

/** Without these a key may be anybody's. What else is open, the verdict says. */
const KEY_STEPS = ['quote-signature', 'certificate-chain', 'td-attributes', 'report-data', 'signer-on-chain']

/** What every broker opens that opens anything. */
const SEALED_FIRST: readonly Endpoint[] = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings']

/** Whom to seal a request to. Files cannot be sealed: where privacy was asked for, that is a refusal. */
export function sealTargetFor(
  checked: CheckedProvider,
  { endpoint, private: asked }: Pick<PurchaseRequest, 'endpoint' | 'private'>,
): SealTarget | null {
  const open = whyOpen(checked, endpoint)
  if (open === null) return sealTargetOf(checked, asked)
  if (asked) throw unavailable(open)
  return null
}

/** Why a request to this endpoint goes in clear whatever the evidence says, or null. */
function whyOpen({ abilities }: CheckedProvider, endpoint: Endpoint): string | null {
  if (isForm(endpoint)) return 'files are not sent under seal'
  if (SEALED_FIRST.includes(endpoint) || abilities.sealsMore) return null
  return `its broker opens no sealed requests to ${endpoint}`
}

/**
 * To whom a request is sealed, or null where it goes in clear. It is sealed wherever evidence was accepted that carries
 * an encryption key, unless that is switched off. Who insists on it takes a key that a genuine quote vouches for, also
 * where the verdict stays incomplete.
 * @param asked `true` insists, `false` switches off
 * @throws AppError `private_unavailable` when it was insisted on and cannot be
 */
export function sealTargetOf(checked: CheckedProvider, asked: boolean | undefined): SealTarget | null {
  if (asked === false) return null
  const { verdict, abilities, signers } = checked
  const { encryptionKey, outcome } = verdict
  const isProven = outcome === 'accepted' || (asked === true && openKeyStep(checked) === undefined)
  if (encryptionKey !== null && isProven && abilities.sealedRequests !== false)
    return { publicKey: hexToBytes(encryptionKey), signer: signers.receipt }
  if (asked) throw unavailable(reason(checked))
  return null
}

function reason(checked: CheckedProvider): string {
  if (checked.verdict.encryptionKey === null) return 'its evidence carries no encryption key'
  if (checked.abilities.sealedRequests === false) return 'its broker opens no sealed requests'
  const name = openKeyStep(checked)
  const step = checked.verdict.steps.find((known) => known.name === name)
  return `its encryption key is not proven: ${step?.detail ?? `"${name}" was not checked`}`
}

const openKeyStep = ({ verdict }: CheckedProvider): string | undefined =>
  KEY_STEPS.find((name) => verdict.steps.find((step) => step.name === name)?.result !== 'pass')

const unavailable = (why: string): AppError =>
  new AppError({
    code: 'private_unavailable',
    message: `The request cannot be sealed to this provider's enclave: ${why}`,
    hint: 'Nothing was sent. Choose another provider, or leave --private away',
    next: '0g-compute provider list',
    exitCode: EXIT.unsupported,
    status: 501,
  })
