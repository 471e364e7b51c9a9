import { describe, expect, it } from 'vitest'
import { fitTable } from '../../../src/cli/render/fitTable.ts'

const ADDRESS = '0xf07240Efa67755B5311bc75784a061eDB47165Dd'
const ID = '3f1c9a52d7e84b60a1c2d3e4f5061728'
const MODEL = 'meta-llama/Llama-3.3-70B-Instruct-of-a-very-long-name-indeed'

const widest = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  head
    .map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
    .reduce((sum, width) => sum + width + 2, -2)

describe('a table for a narrow terminal', () => {
  it('stays as it is where it fits', () => {
    const rows = [[ADDRESS, 'model']]
    expect(fitTable(['provider', 'model'], rows, 80)).toBe(rows)
    expect(fitTable(['provider', 'model'], [[ADDRESS, MODEL.repeat(9)]], Infinity)[0]![1]).toBe(
      MODEL.repeat(9),
    )
  })

  it('may have any number of rows', () => {
    const rows = Array.from({ length: 200_000 }, () => [MODEL])
    expect(fitTable(['model'], rows, Infinity)).toBe(rows)
  })

  it('shortens addresses in their middle and ids at their end, before any text', () => {
    const head = ['provider', 'answer', 'task', 'model']
    const task = 'beb6f0d8-1111-4222-8333-444455556666'
    expect(fitTable(head, [[ADDRESS, ID, task, 'zero-chat']], 80)).toEqual([
      ['0xf072…65Dd', '3f1c9a52d7e84', 'beb6f0d8-1111', 'zero-chat'],
    ])
  })

  it('cuts the longest texts, visibly, and says the same for every row', () => {
    const head = ['provider', 'model', 'verifiable']
    const rows = fitTable(
      head,
      [
        [ADDRESS, MODEL, 'TeeML, not acknowledged'],
        [ADDRESS, 'short', 'TeeML'],
      ],
      60,
    )
    expect(widest(head, rows)).toBe(60)
    expect(rows[0]![1]).toMatch(/^meta-llama\/Lla.*…$/)
    expect(rows[0]![2]).toBe('TeeML, not acknowledged')
    expect(rows[1]).toEqual(['0xf072…65Dd', 'short', 'TeeML'])
  })

  it('marks once that an address is cut', () => {
    const [row] = fitTable(['a', 'figure'], [[ADDRESS, `1.${'1'.repeat(38)}`]], 50)
    expect(row![0]).toBe('0xf072…')
  })

  it('never cuts a figure, though nothing else gives way', () => {
    const head = ['model', 'fee']
    const fee = '123456789.123456789012345678 / 0.000000000000000001'
    expect(fitTable(head, [[MODEL, fee]], 20)).toEqual([['meta-ll…', fee]])
    const price = '0.000000000123456789 per second'
    expect(
      fitTable(
        head,
        [
          [MODEL, price],
          ['m', 'none'],
        ],
        20,
      ),
    ).toEqual([
      ['meta-ll…', price],
      ['m', 'none'],
    ])
  })
})
