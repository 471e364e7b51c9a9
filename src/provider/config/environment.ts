import { type Path, ROOT, resolved, type Schema } from './validate.ts'

const PREFIX = 'ZG_PROVIDER_'

/** `listen.port` is `ZG_PROVIDER_LISTEN_PORT`, `limits.bodyBytes` is `ZG_PROVIDER_LIMITS_BODY_BYTES`. */
export const variableOf = (path: Path): string =>
  PREFIX + path.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')

export interface Override {
  readonly path: Path
  readonly value: unknown
  readonly variable: string
}

/** Settings that the environment gives; a text that is no number where one belongs stays a text. */
export function overridesOf(env: Readonly<Record<string, string | undefined>>): Override[] {
  const overrides: Override[] = []
  for (const { path, rule } of leaves(ROOT, [])) {
    const variable = variableOf(path)
    const text = env[variable]
    if (text !== undefined && text !== '') overrides.push({ path, value: typed(text, rule), variable })
  }
  return overrides
}

function* leaves(part: Schema, path: Path): Generator<{ path: Path; rule: Schema }> {
  const rule = resolved(part)
  if (rule.type !== 'object' && rule.type !== 'array') yield { path, rule }
  for (const [name, child] of Object.entries(rule.properties ?? {})) yield* leaves(child, [...path, name])
}

function typed(text: string, { type }: Schema): unknown {
  if (type === 'integer' && /^\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
