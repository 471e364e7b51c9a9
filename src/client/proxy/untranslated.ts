import type { GatewayReply } from '../gateway/gateway.ts'
import { invalidRequest } from '../purchase/invalidRequest.ts'
import { isRecord, type Json } from './chatShape.ts'

/** A request said as a chat, and what of it a chat has no words for. */
export interface Translated {
  readonly chat: object
  /** Names of fields and kinds of tools that the answer does without. */
  readonly leftOut: readonly string[]
}

/** A part of the request that the answer would have to do without, though it was asked about. @throws AppError `request_invalid` */
export function refuse(path: string, what: string): never {
  throw invalidRequest(`${path}: ${what} cannot be translated into a chat`)
}

/** The objects of a list, with where they are. @throws AppError `request_invalid` for anything else */
export function partsIn(value: unknown, path: string): { part: Json; path: string }[] {
  if (!Array.isArray(value)) throw invalidRequest(`${path} is not a list`)
  return value.map((part, i) => {
    if (!isRecord(part)) throw invalidRequest(`${path}[${i}] is not an object`)
    return { part, path: `${path}[${i}]` }
  })
}

/** A kind as a request names it, fit for an error and for a header. */
export const kindOf = (value: unknown): string =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : 'unknown'

/** Refuses what changes the answer's meaning. @param refused by its field, the values that do */
export function assertNone(
  request: Json,
  refused: Readonly<Record<string, (value: unknown) => boolean>>,
): void {
  for (const [field, isRefused] of Object.entries(refused))
    if (request[field] != null && isRefused(request[field])) refuse(field, `"${field}"`)
}

/** Fields that are there and have no meaning here. */
export const unknownIn = (request: Json, known: readonly string[]): string[] =>
  Object.keys(request)
    .filter((field) => request[field] != null && !known.includes(field))
    .map(kindOf)

/**
 * The functions among the tools. What only the vendor's own service runs is left out beside them, as agents send it
 * whether it is needed or not; who offers nothing else asks for it.
 * @throws AppError `request_invalid`
 */
export function functionsIn(
  tools: unknown,
  isFunction: (tool: Json) => boolean,
): { functions: Json[]; leftOut: string[] } {
  if (tools == null) return { functions: [], leftOut: [] }
  const all = partsIn(tools, 'tools').map(({ part }) => part)
  const others = all.filter((tool) => !isFunction(tool)).map(({ type }) => kindOf(type))
  if (others.length === all.length && others.length > 0) refuse('tools', `"${others[0]}"`)
  return { functions: all.filter(isFunction), leftOut: others.map((kind) => `tools.${kind}`) }
}

/** Texts as one text, anything with pictures as parts. */
export const contentOf = (parts: readonly Json[]): unknown =>
  parts.every(({ type }) => type === 'text') ? textIn(parts) : parts

/** What a tool returned, as a text; its pictures come in the message after it, as a chat's tools return texts only. */
export function resultOf(parts: readonly Json[]): { text: string; pictures: readonly Json[] } {
  const said = parts.map((part) => (part.type === 'text' ? part : PICTURE))
  return { text: textIn(said), pictures: parts.filter(({ type }) => type !== 'text') }
}

const PICTURE = { type: 'text', text: '[image: in the next message]' }

const textIn = (parts: readonly Json[]): string => parts.map(({ text }) => text).join('\n')

/** Says in a header what the answer does without. */
export const withLeftOut = (reply: GatewayReply, leftOut: readonly string[]): GatewayReply =>
  leftOut.length === 0
    ? reply
    : { ...reply, headers: { ...reply.headers, 'x-0g-left-out': [...new Set(leftOut)].join(', ') } }
