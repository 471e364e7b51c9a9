import { describe, expect, it } from 'vitest'
import {
  encodeForm,
  type Form,
  fileField,
  readForm,
  textField,
  withText,
} from '../../../src/client/media/form.ts'

const file = (text: string, name = 'a.wav') => ({
  name,
  type: 'audio/wav',
  bytes: new TextEncoder().encode(text),
})
const FORM: Form = [
  ['model', 'auto'],
  ['timestamp_granularities[]', 'word'],
  ['timestamp_granularities[]', 'segment'],
  ['prompt', 'Grüße,\r\n--0g- "Zibo"'],
  ['file', file('\r\n--0g-\r\nnot a boundary')],
]

describe('a form', () => {
  it('comes back as it was written: order, repeated names, every byte', async () => {
    const { bytes, contentType } = encodeForm(FORM)
    expect(await readForm(bytes, contentType)).toEqual(FORM)
  })

  it('is the same bytes each time, and others where anything differs', () => {
    const hex = (form: Form) => Buffer.from(encodeForm(form).bytes).toString('hex')
    expect(hex(FORM)).toBe(hex([...FORM]))
    expect(hex(FORM)).not.toBe(hex([...FORM.slice(0, -1), ['file', file('other')]]))
    expect(encodeForm(FORM).contentType).not.toBe(encodeForm(FORM.slice(1)).contentType)
  })

  it('cannot be broken out of by a name', async () => {
    const form: Form = [
      ['a"\r\nX: y', 'text'],
      ['file', file('x', 'b"\r\n\r\n.wav')],
    ]
    const { bytes, contentType } = encodeForm(form)
    const back = await readForm(bytes, contentType)
    expect(back).toHaveLength(2)
    expect(back[0]![1]).toBe('text')
    expect(Buffer.from(bytes).toString()).not.toContain('\r\nX: y')
  })

  it('is read by name, where that is one thing', () => {
    expect([textField(FORM, 'model'), textField(FORM, 'n')]).toEqual(['auto', undefined])
    expect(fileField(FORM, 'file').name).toBe('a.wav')
    expect(withText(FORM, 'model', 'm').filter(([name]) => name === 'model')).toEqual([['model', 'm']])
    const refused = expect.objectContaining({ code: 'request_invalid' })
    for (const read of [
      () => textField(FORM, 'timestamp_granularities[]'),
      () => textField(FORM, 'file'),
      () => fileField(FORM, 'model'),
      () => fileField(FORM, 'image'),
    ])
      expect(read).toThrow(refused)
  })

  it.each([
    ['another type', '{}', 'application/json'],
    ['no boundary', '{}', 'multipart/form-data'],
    ['no end', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', 'multipart/form-data; boundary=b'],
  ])('is refused with %s', async (_name, body, type) => {
    await expect(readForm(new TextEncoder().encode(body), type)).rejects.toMatchObject({
      code: 'request_invalid',
    })
  })
})
