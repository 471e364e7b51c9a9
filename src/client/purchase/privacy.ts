import { AppError, EXIT } from '../../base/errors.ts'
import { hexToBytes } from '../../base/hex.ts'
import type { SealTarget } from '../../protocol/e2ee/index.ts'
import type { CheckedProvider } from '../providerCheck.ts'
import type { PurchaseRequest } from './purchase.ts'

/** Without these a key may be anybody's. What else is open, the verdict says. */
const KEY_STEPS = ['quote-signature', 'certificate-chain', 'td-attributes', 'report-data', 'signer-on-chain']

/** Whom to seal a request to. Images cannot be sealed: where privacy was asked for, that is a refusal. */
export function sealTargetFor(
  checked: CheckedProvider,
  { endpoint, private: asked }: Pick<PurchaseRequest, 'endpoint' | 'private'>,
): SealTarget | null {
  if (endpoint !== '/v1/images/generations') return sealTargetOf(checked, asked)
  if (asked) throw unavailable('images are not made under seal')
  return null
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
