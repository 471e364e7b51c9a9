import { badRequest } from './openAiError.ts'

/** A JSON object as it came. */
export type Body = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `null` means absent, as in OpenAI's API. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

export function optionalNumber(body: Body, name: string, least: number, most: number): number | undefined {
  const value = body[name]
  if (isAbsent(value)) return undefined
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw badRequest(`'${name}' must be a number from ${least} to ${most}.`, name)
  return value
}

export function optionalInteger(body: Body, name: string, least: number, most: number): number | undefined {
  const value = optionalNumber(body, name, least, most)
  if (value !== undefined && !Number.isInteger(value)) throw badRequest(`'${name}' must be an integer.`, name)
  return value
}

export function optionalBoolean(body: Body, name: string): boolean | undefined {
  const value = body[name]
  if (isAbsent(value)) return undefined
  if (typeof value !== 'boolean') throw badRequest(`'${name}' must be true or false.`, name)
  return value
}
