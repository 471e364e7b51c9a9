import { type Address, isAddress } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'

export interface ExpectedSigners {
  /** Signs receipts and settlements. */
  readonly receipt: Address
  /** Signs the text of an exchange; another enclave where the model's server is separate. */
  readonly text: Address
}

interface AdditionalInfo {
  readonly TargetSeparated?: unknown
  readonly ProviderType?: unknown
  readonly TargetTeeAddress?: unknown
}

/** Whether a provider runs without a TEE: no signer stands on chain, and it signs with its own account's key. */
export const isUnattested = ({ teeSignerAddress }: Pick<Service, 'teeSignerAddress'>): boolean =>
  BigInt(teeSignerAddress) === 0n

/** Who must have signed, by what is on chain. @see client-wire.md section 1.6, step 5 */
export function expectedSigners(service: Service): ExpectedSigners {
  if (isUnattested(service)) return { receipt: service.provider, text: service.provider }
  const info = readAdditionalInfo(service.additionalInfo)
  const separate =
    info.TargetSeparated === true && info.ProviderType !== 'centralized' && isAddress(info.TargetTeeAddress)
  return {
    receipt: service.teeSignerAddress,
    text: separate ? (info.TargetTeeAddress as Address) : service.teeSignerAddress,
  }
}

function readAdditionalInfo(text: string): AdditionalInfo {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
