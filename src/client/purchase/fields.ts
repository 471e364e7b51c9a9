import { invalidRequest } from './invalidRequest.ts'

export const encodeJson = (body: object): Uint8Array => new TextEncoder().encode(JSON.stringify(body))

/** A positive whole number, where one stands there. @throws AppError `request_invalid` */
export function countField(body: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = body[field] ?? undefined
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw invalidRequest(`"${field}" is not a positive whole number`)
}
