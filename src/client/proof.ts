import { AppError } from '../base/errors.ts'
import type { BrokerApi, ProofDocument } from './brokerApi.ts'
import type { Credential } from './credential.ts'
import type { Runtime } from './runtime.ts'

/** Waits before the second, third, … attempt, ms. */
const WAITS_MS = [50, 150, 400, 1000, 2000]

/**
 * Fetches the proof of an answer. A broker may need a moment after the last byte, or be restarting: it is asked
 * again for some seconds.
 * @returns null when there is no proof to be had
 */
export async function fetchProof(
  runtime: Runtime,
  broker: BrokerApi,
  id: string,
  credential: Credential,
): Promise<ProofDocument | null> {
  if (!id) return null
  for (const wait of [...WAITS_MS, null]) {
    try {
      return await broker.proof(id, credential)
    } catch (error) {
      if (!(error instanceof AppError) || wait === null || !mayComeLater(error)) return null
      await runtime.sleep(wait)
    }
  }
  return null
}

const mayComeLater = (error: AppError): boolean => error.retryable || error.status === 404
