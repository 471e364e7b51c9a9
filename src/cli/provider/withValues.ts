import { isDeepStrictEqual } from 'node:util'
import { isMap, parse, parseDocument } from 'yaml'

type Values = Readonly<Record<string, string | boolean | undefined>>

/**
 * A configuration with other values in one section. In the form that `provider init` writes only their lines change,
 * and comments and order stay; any other YAML is written anew.
 * @param text of the file
 * @param section its name, at the top of the file
 * @param changes by name; undefined stays as it is
 */
export function withValues(text: string, section: string, changes: Values): string {
  const wanted = Object.entries(changes).filter(
    (change): change is [string, string | boolean] => change[1] !== undefined,
  )
  const rewritten = rewrite(text, section, wanted)
  const edited = wanted.reduce((before, [name, value]) => withLine(before, section, name, value), text)
  return isSame(edited, rewritten) ? edited : rewritten
}

/** The line of a value in its section, or the comment that stands for it. */
function withLine(text: string, section: string, name: string, value: string | boolean): string {
  const line = new RegExp(`(^${section}:[^\\n]*\\n(?:(?![^\\s#])[^\\n]*\\n)*?  )(?:# )?${name}:[^\\n]*`, 'm')
  const written = typeof value === 'string' ? `'${value}'` : String(value)
  return text.replace(line, (_, before: string) => `${before}${name}: ${written}`)
}

function rewrite(
  text: string,
  section: string,
  wanted: readonly (readonly [string, string | boolean])[],
): string {
  const document = parseDocument(text)
  if (!isMap(document.get(section))) document.set(section, document.createNode({}))
  for (const [name, value] of wanted) document.setIn([section, name], value)
  return document.toString({ lineWidth: 0 })
}

const isSame = (one: string, other: string): boolean => {
  try {
    return isDeepStrictEqual(parse(one), parse(other))
  } catch {
    return false
  }
}
