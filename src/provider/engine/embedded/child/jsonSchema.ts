import { type Body, isObject } from './fields.ts'
import { badRequest } from './openAiError.ts'

/** What node-llama-cpp's grammars enforce. */
const ENFORCED = new Set(
  'type properties additionalProperties required items prefixItems minItems maxItems minLength maxLength minProperties maxProperties enum const oneOf $defs $ref'.split(
    ' ',
  ),
)
/** What says nothing about which answers are valid. */
const ANNOTATIONS = new Set('title description default examples deprecated $schema $id $comment'.split(' '))
const FORMATS = new Set(['date-time', 'time', 'date'])

/**
 * The schema as node-llama-cpp takes it. A keyword that its grammars would silently ignore is refused, because the
 * caller relies on the answer being valid.
 *
 * @throws OpenAiError 400 `unsupported_schema`
 */
export function toGrammarSchema(schema: unknown): Body {
  if (!isObject(schema)) throw refused("a schema must be an object in 'json_schema.schema'")
  const entries = Object.entries(schema)
    .filter(([keyword]) => !ANNOTATIONS.has(keyword))
    .map(([keyword, value]) => convertKeyword(keyword, value))
  return Object.fromEntries(entries)
}

function convertKeyword(keyword: string, value: unknown): [string, unknown] {
  switch (keyword) {
    case 'properties':
    case '$defs':
      return [keyword, mapValues(value, toGrammarSchema)]
    case 'items':
      return [keyword, toGrammarSchema(value)]
    case 'additionalProperties':
      return [keyword, typeof value === 'boolean' ? value : toGrammarSchema(value)]
    case 'prefixItems':
    case 'oneOf':
      return [keyword, mapItems(value)]
    // An answer that follows one branch follows any of them.
    case 'anyOf':
      return ['oneOf', mapItems(value)]
    case 'format':
      if (!FORMATS.has(String(value))) throw refused(`the format '${String(value)}' cannot be enforced`)
      return [keyword, value]
    default:
      if (!ENFORCED.has(keyword)) throw refused(`the keyword '${keyword}' cannot be enforced`)
      return [keyword, value]
  }
}

function mapValues(value: unknown, convert: (schema: unknown) => Body): Body {
  if (!isObject(value)) throw refused('properties and $defs must be objects')
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert(schema)]))
}

function mapItems(value: unknown): Body[] {
  if (!Array.isArray(value)) throw refused('oneOf, anyOf and prefixItems must be arrays')
  return value.map(toGrammarSchema)
}

function refused(reason: string): Error {
  return badRequest(`The JSON schema is not supported: ${reason}.`, 'response_format', 'unsupported_schema')
}
