import { type ExpectedSigners, expectedSigners } from '../attestation/signers.ts'
import { firstFailure } from '../attestation/verdict.ts'
import { type ProviderVerdict, verifyProvider } from '../attestation/verifyProvider.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Service } from '../chain/inference.ts'
import { BrokerApi } from './brokerApi.ts'
import type { Session } from './session.ts'

export interface CheckedProvider {
  readonly verdict: ProviderVerdict
  readonly signers: ExpectedSigners
}

/** Fetches a provider's evidence and judges it. */
export async function checkProvider(session: Session, service: Service): Promise<CheckedProvider> {
  const document = await new BrokerApi(session.runtime, service.url).quote()
  const verdict = verifyProvider({ network: session.network, service, document })
  return { verdict, signers: expectedSigners(service) }
}

/** @throws AppError `provider_rejected` (exit 10): nothing is sent to a provider whose evidence is wrong */
export function assertNotRejected({ verdict }: CheckedProvider, service: Service): void {
  const failure = firstFailure(verdict)
  if (!failure) return
  throw new AppError({
    code: 'provider_rejected',
    message: `The evidence of provider ${service.provider} is wrong at step "${failure.name}": ${failure.detail}`,
    hint: 'Nothing was sent to it and nothing was paid. Choose another provider',
    next: '0g-compute provider list',
    exitCode: EXIT.rejected,
    details: { step: failure.name },
  })
}
