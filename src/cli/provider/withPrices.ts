import { isDeepStrictEqual } from 'node:util'
import { isMap, parse, parseDocument } from 'yaml'

type Prices = Readonly<Record<string, string | undefined>>

/**
 * A configuration with other prices. In the form that `provider init` writes only their lines change, and comments and
 * order stay; any other YAML is written anew.
 * @param text of the file
 * @param changes by name, 0G per million tokens; undefined stays as it is
 */
export function withPrices(text: string, changes: Prices): string {
  const wanted = Object.entries(changes).filter(
    (change): change is [string, string] => change[1] !== undefined,
  )
  const rewritten = rewrite(text, wanted)
  const edited = wanted.reduce((before, [name, value]) => withLine(before, name, value), text)
  return isSame(edited, rewritten) ? edited : rewritten
}

/** The line of a price in the block `prices`, or the comment that stands for it. */
function withLine(text: string, name: string, value: string): string {
  const line = new RegExp(`(^prices:[^\\n]*\\n(?:(?![^\\s#])[^\\n]*\\n)*?  )(?:# )?${name}:[^\\n]*`, 'm')
  return text.replace(line, (_, before: string) => `${before}${name}: '${value}'`)
}

function rewrite(text: string, wanted: readonly (readonly [string, string])[]): string {
  const document = parseDocument(text)
  if (!isMap(document.get('prices'))) document.set('prices', document.createNode({}))
  for (const [name, value] of wanted) document.setIn(['prices', name], value)
  return document.toString({ lineWidth: 0 })
}

const isSame = (one: string, other: string): boolean => {
  try {
    return isDeepStrictEqual(parse(one), parse(other))
  } catch {
    return false
  }
}
