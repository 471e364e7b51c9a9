import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, hexToBytes } from '../../base/hex.ts'
import type { FineTuneTerms } from '../../protocol/finetune/terms.ts'

/** The key that a dataset for a provider is sealed for: 65 bytes. @throws AppError `no_dataset_key` */
export function receiverKey(provider: Address, terms: Pick<FineTuneTerms, 'datasetKey'> | null): Uint8Array {
  if (terms) return hexToBytes(terms.datasetKey)
  throw new AppError({
    code: 'no_dataset_key',
    message: `The provider ${provider} has no key to seal a dataset for`,
    hint: 'It runs a broker of the deployed network, which takes datasets as they are. Say --public if that is enough.',
    next: '0g-compute finetune models',
    exitCode: EXIT.unsupported,
  })
}
