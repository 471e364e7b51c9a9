import { stripVTControlCharacters } from 'node:util'

/** Columns of a terminal; undefined for what is none. */
export const columnsOf = (stream: {
  readonly isTTY?: boolean
  readonly columns?: number
}): number | undefined => (stream.isTTY ? stream.columns : undefined)

/**
 * Breaks lines between words where they are too long for a terminal; what follows is indented like the line.
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
  const lines: string[] = []
  let current = indent
  for (const word of line.slice(indent.length).split(' ')) {
    const isEmpty = current.trim() === ''
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current)
      current = `${indent}  ${word}`
    } else {
      current += isEmpty ? word : ` ${word}`
    }
  }
  return [...lines, current].join('\n')
}

/** Columns that a text takes: colours take none. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length
