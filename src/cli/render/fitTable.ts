/** Spaces between two columns. */
const GAP = 2
/** Texts are cut to no less than this. */
const LEAST = 8

/**
 * Makes a table narrow enough: addresses and hashes lose their middle, ids their end, then the longest texts are cut.
 * Figures are never cut: an amount that lacks a digit is a wrong one.
 * @param columns there are; Infinity leaves everything as it is
 */
export function fitTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): readonly (readonly string[])[] {
  if (widthOf(widthsOf(head, rows)) <= columns) return rows
  const short = rows.map((row) => row.map(shortenHex))
  const limits = widthsOf(head, short)
  const isText = head.map((_, column) => isWords(short.map((row) => row[column]!)))
  while (widthOf(limits) > columns) {
    const widest = limits
      .map((width, column) => ({ width, column }))
      .filter(({ width, column }) => isText[column] && width > Math.max(LEAST, head[column]!.length))
      .reduce((most, next) => (next.width > most.width ? next : most), { width: 0, column: -1 })
    if (widest.column < 0) break
    limits[widest.column]!--
  }
  return short.map((row) => row.map((cell, column) => cut(cell, limits[column]!)))
}

/** Letters, and no figure with its unit among them. */
const isWords = (cells: readonly string[]): boolean =>
  cells.some((cell) => /\p{L}/u.test(cell)) && !cells.some((cell) => /^\d[\d.]*( |$)/.test(cell))

const widthsOf = (head: readonly string[], rows: readonly (readonly string[])[]): number[] =>
  head.map((title, column) => rows.reduce((most, row) => Math.max(most, row[column]!.length), title.length))

const widthOf = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width + GAP, 0) - GAP

/** `0x1234…abcd`, and the beginning of an id: commands take it for the whole. */
const shortenHex = (cell: string): string =>
  cell
    .replace(/^0x([0-9a-f]{4})[0-9a-f]{32,}([0-9a-f]{4})$/i, '0x$1…$2')
    .replace(/^([0-9a-f-]{13})[0-9a-f-]{19,}$/i, '$1')

const cut = (cell: string, width: number): string =>
  cell.length <= width ? cell : `${cell.slice(0, width - 1).replace(/…$/, '')}…`
