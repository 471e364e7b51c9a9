import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'

export const nameTaken = (name: string): AppError =>
  new AppError({
    code: 'key_name_taken',
    message: `There is a key "${name}" already`,
    hint: 'Choose another name, or revoke that one',
    next: '0g-compute keys list',
    exitCode: EXIT.usage,
  })

export const nameInvalid = (name: string): AppError =>
  new AppError({
    code: 'key_name_invalid',
    message: `"${name}" cannot be the name of a key`,
    hint: 'Letters, digits, dot, dash and underscore, at most 64',
    exitCode: EXIT.usage,
  })

export const keyUnknown = (name: string, known: readonly string[]): AppError =>
  new AppError({
    code: 'key_unknown',
    message: `There is no key "${name}" here`,
    hint: known.length > 0 ? `Keys: ${known.slice(0, 20).join(', ')}` : 'No key was made here',
    next: '0g-compute keys list',
    exitCode: EXIT.usage,
  })

export const keysExhausted = (provider: Address): AppError =>
  new AppError({
    code: 'keys_exhausted',
    message: `All numbers for keys at ${provider} are used`,
    hint: 'No number is given twice. Revoking all keys of that provider starts afresh',
    next: `0g-compute keys revoke --all --provider ${provider}`,
    exitCode: EXIT.failed,
  })

export const limitInvalid = (amount: bigint): AppError =>
  new AppError({
    code: 'key_limit_invalid',
    message: `A key cannot be limited to ${format0G(amount)} 0G`,
    hint: 'More than nothing, and less than ten thousand million 0G. For example --limit 0.5 --per day',
    exitCode: EXIT.usage,
  })

export const limitUnenforced = (provider: Address): AppError =>
  new AppError({
    code: 'key_limit_unenforced',
    message: `A spending limit is not enforced by this provider: ${provider} does not count what a key spends`,
    hint: 'No key was made. Make one without --limit, choose another provider, or keep to a budget on this machine with 0g-compute proxy --max-spend',
    next: '0g-compute provider list',
    exitCode: EXIT.unsupported,
  })

/** Its vouchers are signed for each request, which a key alone cannot do. */
export const keyUseless = (provider: Address): AppError =>
  new AppError({
    code: 'key_useless',
    message: `A key could pay for nothing at ${provider}: it runs without a TEE, and each request to it needs a voucher that you sign`,
    hint: 'No key was made. The proxy signs the vouchers, checks the answers, and has a token for OpenAI clients',
    next: `0g-compute proxy --provider ${provider}`,
    exitCode: EXIT.unsupported,
  })

export const noAccount = (provider: Address): AppError =>
  new AppError({
    code: 'key_without_account',
    message: `You have no account at ${provider}, so its contract cannot note that a key is revoked`,
    hint: 'The key cannot spend anything while there is no account. Open one, then revoke it',
    next: `0g-compute fund 1 --provider ${provider}`,
    exitCode: EXIT.failed,
  })

export const alreadyRevoked = (name: string): AppError =>
  new AppError({
    code: 'key_revoked_already',
    message: `The key "${name}" is revoked already`,
    hint: 'Nothing was sent',
    next: '0g-compute keys list',
    exitCode: EXIT.failed,
  })
