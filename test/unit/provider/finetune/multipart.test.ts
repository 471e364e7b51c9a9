import { describe, expect, it } from 'vitest'
import { formParts } from '../../../../src/provider/finetune/api/multipart.ts'

const TYPE = 'multipart/form-data; boundary=----edge'
const form = (...parts: [name: string, body: string][]) =>
  `${parts.map(([name, body]) => `------edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${body}\r\n`).join('')}------edge--\r\n`

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function partsOf(text: string, size: number, type = TYPE): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { name, body } of formParts(inPieces(text, size), type)) {
    let content = ''
    for await (const piece of body) content += piece.toString('latin1')
    found.push([name, content])
  }
  return found
}

describe('the parts of a form', () => {
  const tricky = 'a\r\n--\r\n------edg\r\n\r\n------edge-x\0\xff'.replace('------edge-x', '-----edge')
  const parts: [string, string][] = [
    ['file', tricky],
    ['empty', ''],
    ['timestamp', '1700000000'],
  ]

  it.each([1, 2, 3, 7, 64, 10_000])('come whole, in pieces of %i bytes', async (size) => {
    expect(await partsOf(form(...parts), size)).toEqual(parts)
  })

  it('are found behind one that nobody read', async () => {
    const names: string[] = []
    for await (const { name } of formParts(inPieces(form(...parts), 5), TYPE)) names.push(name)
    expect(names).toEqual(['file', 'empty', 'timestamp'])
  })

  it.each([
    ['cut off', form(...parts).slice(0, -20), TYPE],
    ['without a boundary', form(...parts), 'multipart/form-data'],
    ['of another type', form(...parts), 'application/json'],
    ['without names', form(...parts).replaceAll('name=', 'nom='), TYPE],
    ['empty', '', TYPE],
  ])('are refused when they are %s', async (_what, text, type) => {
    await expect(partsOf(text, 9, type)).rejects.toMatchObject({ code: 'form_malformed' })
  })
})
