import schema from './schema.json' with { type: 'json' }

/** The part of JSON Schema that `schema.json` uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly description?: string
}

export type Path = readonly string[]

export interface Problem {
  /** Keys from the root. */
  readonly path: Path
  readonly message: string
}

/** The schema of the whole configuration. */
export const ROOT: Schema = schema

/** What is wrong with a configuration, in the order of its keys; empty when nothing is. */
export const problemsOf = (value: unknown): Problem[] => [...check(value, ROOT, [])]

/** A schema with its reference followed. */
export function resolved(part: Schema): Schema {
  const name = part.$ref?.replace('#/$defs/', '') as keyof typeof schema.$defs | undefined
  return name ? (schema.$defs[name] as Schema) : part
}

function* check(value: unknown, part: Schema, path: Path): Generator<Problem> {
  const rule = resolved(part)
  const fault = faultOf(value, rule)
  if (fault) yield { path, message: fault }
  else if (rule.type === 'array')
    for (const item of value as unknown[]) yield* check(item, rule.items ?? {}, path)
  else if (rule.type === 'object') yield* checkObject(value as Record<string, unknown>, rule, path)
}

function* checkObject(value: Record<string, unknown>, rule: Schema, path: Path): Generator<Problem> {
  for (const name of rule.required ?? []) {
    if (value[name] === undefined) yield { path, message: `"${name}" is missing` }
  }
  for (const [name, child] of Object.entries(value)) {
    const own = rule.properties && Object.hasOwn(rule.properties, name) ? rule.properties[name] : undefined
    const part = own ?? (typeof rule.additionalProperties === 'object' ? rule.additionalProperties : null)
    if (part) yield* check(child, part, [...path, name])
    else yield { path: [...path, name], message: `is no setting${meant(name, rule)}` }
  }
}

function faultOf(value: unknown, rule: Schema): string | null {
  if (!hasType(value, rule.type)) return `is not ${article(rule.type)}`
  if (rule.enum && !rule.enum.includes(value as string)) return `is none of ${rule.enum.join(', ')}`
  if (rule.pattern && !new RegExp(rule.pattern).test(value as string)) {
    return rule.description ? `has not the form of: ${rule.description}` : `does not match ${rule.pattern}`
  }
  if (rule.minimum !== undefined && (value as number) < rule.minimum) return `is below ${rule.minimum}`
  if (rule.maximum !== undefined && (value as number) > rule.maximum) return `is above ${rule.maximum}`
  return null
}

function hasType(value: unknown, type: string | undefined): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  const actual: string = typeof value
  return actual === type
}

const ARTICLES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  boolean: 'true or false',
  string: 'a text; put it in quotes',
  object: 'a section with settings',
  array: 'a list',
}
const article = (type = ''): string => ARTICLES[type] ?? type

/** The setting whose name has the same letters, whatever their case. */
function meant(name: string, rule: Schema): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
  const known = Object.keys(rule.properties ?? {})
  const near = known.find((candidate) => plain(candidate) === plain(name))
  return near ? `; did you mean "${near}"?` : `; known here: ${known.join(', ')}`
}
