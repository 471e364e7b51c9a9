import { AppError, EXIT } from '../../base/errors.ts'

/**
 * URL of an RPC that a user gave. It may carry a key, so it is not repeated.
 * @param origin where it stands, for people
 * @throws AppError `url_invalid`
 */
export function asRpcUrl(text: string, origin: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new AppError({
    code: 'url_invalid',
    message: `The RPC of ${origin} is no URL with http or https`,
    hint: 'For example https://evmrpc.0g.ai',
    exitCode: EXIT.usage,
  })
}
