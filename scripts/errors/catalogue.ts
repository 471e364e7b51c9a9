import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An error that users can see, as the code makes it. */
export interface CatalogueEntry {
  readonly code: string
  /** Source files that make it. */
  readonly files: readonly string[]
  /** The message, with `…` for what is filled in; empty where it is put together. */
  readonly message: string
  readonly hint: string
  /** Name of the exit code. */
  readonly exit: string
  readonly status: string
  /** Test files that name it. */
  readonly tests: readonly string[]
}

/** Functions that make an error of a code and a message. */
const MAKERS =
  /\b(?:unauthorized|invalid|refused|fault|usage|malformed|engineError|taskError|ledgerError)\(\s*'([a-z][a-z0-9_]*)',\s*(['"`])((?:\\.|(?!\2)[^\\])*)\2/g

/** Reads every error that the sources make. */
export function catalogue(root: string): CatalogueEntry[] {
  const tests = globSync('test/**/*.ts', { cwd: root }).map(
    (path) => [path, readFileSync(join(root, path), 'utf8')] as const,
  )
  const found = new Map<
    string,
    { files: Set<string>; message: string; hint: string; exit: string; status: string }
  >()
  for (const file of globSync('src/**/*.ts', { cwd: root }).sort()) {
    for (const error of errorsIn(readFileSync(join(root, file), 'utf8'))) {
      const known = found.get(error.code)
      if (known) known.files.add(file)
      else found.set(error.code, { ...error, files: new Set([file]) })
    }
  }
  return [...found]
    .map(([code, { files, ...rest }]) => ({
      code,
      ...rest,
      files: [...files].map((file) => file.replaceAll('\\', '/')),
      tests: tests.filter(([, text]) => new RegExp(`\\b${code}\\b`).test(text)).map(([path]) => path),
    }))
    .sort((a, b) => (a.code < b.code ? -1 : 1))
}

type Found = Pick<CatalogueEntry, 'code' | 'message' | 'hint' | 'exit' | 'status'>

function errorsIn(source: string): Found[] {
  const made = [...source.matchAll(/new AppError\(/g)].flatMap(({ index }) =>
    errorsOf(argument(source, index + 13)),
  )
  const helped = [...source.matchAll(MAKERS)].map(([, code, , message]) => ({
    code: code!,
    message: readable(message!),
    hint: '',
    exit: 'failed',
    status: '',
  }))
  return [...made, ...helped]
}

/** The text between the parentheses that open here. */
function argument(source: string, from: number): string {
  let depth = 1
  let at = from
  for (; at < source.length && depth > 0; at++) {
    if (source[at] === '(') depth++
    if (source[at] === ')') depth--
  }
  return source.slice(from, at - 1)
}

/** One literal may make two errors: `code: isTaken ? 'a' : 'b'`. */
function errorsOf(literal: string): Found[] {
  const code = field(literal, 'code')
  const codes = [...code.matchAll(/'([a-z][a-z0-9_]*)'/g)].map(([, name]) => name!)
  const messages = textsIn(field(literal, 'message'))
  const hints = textsIn(field(literal, 'hint'))
  const exits = [...field(literal, 'exitCode').matchAll(/EXIT\.(\w+)/g)].map(([, name]) => name!)
  const statuses = [...field(literal, 'status').matchAll(/\b\d{3}\b/g)].map(([status]) => status)
  const nth = (list: readonly string[], i: number, otherwise = '') => list[i] ?? list[0] ?? otherwise
  return codes.map((name, i) => ({
    code: name,
    message: nth(messages, i),
    hint: nth(hints, i),
    exit: nth(exits, i, 'failed'),
    status: nth(statuses, i),
  }))
}

/** The value of a field: up to the next one at the same depth. */
function field(literal: string, name: string): string {
  const start = new RegExp(`(?:^|[\\s,{])${name}:`).exec(literal)
  if (!start) return ''
  const rest = literal.slice(start.index + start[0].length)
  const next = /\n {2,12}(?:[a-zA-Z]+:|\.\.\.|\}|[a-z]+,)|, [a-zA-Z]+: /.exec(rest)
  return next ? rest.slice(0, next.index) : rest
}

const textsIn = (expression: string): string[] =>
  [...expression.matchAll(/'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`/g)]
    .map(([, single, double, template]) => readable(single ?? double ?? template ?? ''))
    .filter((text) => text.includes(' '))

/** Without escapes, and with `…` for what is filled in. */
const readable = (text: string): string =>
  text
    .replace(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '…')
    .replace(/\\(.)/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()

/** The catalogue as a page. */
export function render(entries: readonly CatalogueEntry[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = entries.map(
    ({ code, message, hint, exit, status, files, tests }) =>
      `| \`${code}\` | ${cell(message)} | ${cell(hint)} | ${exit} | ${status} | ${files.map((file) => file.slice(4)).join(', ')} | ${tests.length > 0 ? 'yes' : 'no'} |`,
  )
  const tested = entries.filter(({ tests }) => tests.length > 0).length
  return `# Errors

Made from the code by \`node scripts/errors.ts\`; a test checks that it is current. Every failure has a stable \`code\`.
With \`--json\` it is an object \`{code, message, hint, next, retryable, details}\` on stdout; in HTTP it is the same under
\`error\`. \`…\` is filled in. \`0g-compute help exit-codes\` says what the exit codes mean; the last column says whether a
test names the code.

${entries.length} codes, ${tested} of them named by a test.

| code | what failed | what helps | exit | HTTP | made in | test |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}
