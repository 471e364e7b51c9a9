import { readFileSync } from 'node:fs'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { AppError, EXIT } from '../../base/errors.ts'
import type { ProviderConfig } from './config.ts'
import { type Override, overridesOf } from './environment.ts'
import { type Path, type Problem, problemsOf } from './validate.ts'

export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Settings of flags, as far as they were given. */
  readonly flags?: ProviderConfig
}

/**
 * The configuration by precedence: flags, environment, file.
 * @throws AppError `config_unreadable`, `config_invalid` with file and line, the variable, or the setting of a flag
 */
export function loadConfig({ file, env, flags = {} }: ConfigSources): ProviderConfig {
  const written = file === undefined ? {} : readConfig(file)
  const overrides = overridesOf(env)
  const config = overrides.reduce((tree, { path, value }) => withValue(tree, path, value), written)
  const problem = problemsOf(config).at(0)
  if (problem) throw invalid(`${variableBehind(problem, overrides)} ${problem.message}`)
  const merged = merge(config, flags as Tree)
  const flagged = problemsOf(merged).at(0)
  if (flagged) throw flagInvalid(`${flagged.path.join('.')} ${flagged.message}`)
  return merged as ProviderConfig
}

/** The file was right by itself: the problem is at the place that a variable sets, or in the section around it. */
const variableBehind = ({ path }: Problem, overrides: readonly Override[]): string =>
  overrides.find((override) => path.every((name, at) => override.path[at] === name))!.variable

type Tree = Readonly<Record<string, unknown>>

function readConfig(file: string): Tree {
  const lines = new LineCounter()
  const document = parseDocument(textOf(file), { lineCounter: lines, prettyErrors: false })
  const lineOf = (offset: number) => lines.linePos(offset).line
  const broken = document.errors.at(0)
  if (broken) throw invalid(`${file}:${lineOf(broken.pos[0])}: ${broken.message}`)
  const value: unknown = withoutNull(document.toJS()) ?? {}
  const problem = problemsOf(value).at(0)
  if (problem) {
    const name = problem.path.join('.') || 'the file'
    throw invalid(`${file}:${lineOf(offsetOf(document, problem.path))}: ${name} ${problem.message}`)
  }
  return value as Tree
}

/** A section all of whose settings are comments is null to YAML. */
function withoutNull(value: unknown): unknown {
  if (value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const entries = Object.entries(value).map(([name, child]) => [name, withoutNull(child)] as const)
  const given = entries.filter(([, child]) => child !== undefined)
  return given.length > 0 || entries.length === 0 ? Object.fromEntries(given) : undefined
}

/** Where the key at this path stands in the text; the root is its beginning. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: Path): number {
  let offset = 0
  visit(document, {
    Pair(_index, pair, ancestors) {
      const names = [...ancestors, pair].flatMap((node) => {
        const key = (node as { key?: unknown }).key
        return isScalar(key) ? [String(key.value)] : []
      })
      const isIt = names.length === path.length && names.every((name, index) => name === path[index])
      if (!isIt || !isScalar(pair.key)) return undefined
      offset = pair.key.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return offset
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError({
      code: 'config_unreadable',
      message: `Cannot read ${file}`,
      hint: 'Write one with provider init',
      next: `0g-compute provider init ${file}`,
      exitCode: EXIT.usage,
      cause,
    })
  }
}

function withValue(tree: Tree, [name, ...rest]: Path, value: unknown): Tree {
  const inner = (tree[name!] ?? {}) as Tree
  return { ...tree, [name!]: rest.length ? withValue(inner, rest, value) : value }
}

function merge(below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = { ...below }
  for (const [name, value] of Object.entries(above)) {
    if (value === undefined) continue
    const isSection = typeof value === 'object' && value !== null
    merged[name] = isSection ? merge((below[name] ?? {}) as Tree, value as Tree) : value
  }
  return merged
}

const invalid = (message: string): AppError =>
  new AppError({
    code: 'config_invalid',
    message,
    hint: 'Nothing was started or changed. A new file has every setting explained',
    next: '0g-compute provider init ./explained.yaml',
    exitCode: EXIT.malformed,
  })

const flagInvalid = (message: string): AppError =>
  new AppError({
    code: 'config_invalid',
    message,
    hint: 'A flag says so. Nothing was started or changed',
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
