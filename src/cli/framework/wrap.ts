import { stripVTControlCharacters } from 'node:util'

/** Columns of a terminal; undefined for what is none. */
export const columnsOf = (stream: {
  readonly isTTY?: boolean
  readonly columns?: number
}): number | undefined => (stream.isTTY ? stream.columns : undefined)

/** Labels that are longer than this are texts. */
const MAX_LABEL = 34

/**
 * Breaks lines between words where they are too long for a terminal; what follows is indented like the line, or like
 * what stands beside its label.
 * @param columns of the terminal; undefined leaves the text as it is
 */
export function wrap(text: string, columns: number | undefined): string {
  if (columns === undefined || columns < 20) return text
  return text
    .split('\n')
    .map((line) => wrapLine(line, columns))
    .join('\n')
}

function wrapLine(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line
  const indent = /^ */.exec(line)![0]
  const hang = ' '.repeat(columnOf(line) ?? indent.length + 2)
  const lines: string[] = []
  let current = indent
  for (const word of line.slice(indent.length).split(' ')) {
    const isEmpty = current.trim() === ''
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current.trimEnd())
      current = `${hang}${word}`
    } else {
      current += isEmpty ? word : ` ${word}`
    }
  }
  return [...lines, current].join('\n')
}

/** Sentences that were broken into lines for a wide page are one line again, for `wrap` to break. */
export const rejoin = (text: string): string => text.replace(/(?<=[^\n]{80})\n(?=[a-z(])/g, ' ')

/** Where the text beside one or more labels begins: two spaces part them. */
function columnOf(line: string): number | null {
  const labels = /^ *(?:\S+(?: \S+)* {2,})+/.exec(stripVTControlCharacters(line))?.[0].length ?? 0
  return labels > 0 && labels <= MAX_LABEL ? labels : null
}

/** Columns that a text takes: colours take none. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length
