import { sha256 } from 'ethers/crypto'
import { sha256Text } from '../../protocol/canonical.ts'
import { readMultipart } from '../../protocol/multipart.ts'
import { invalidRequest } from '../purchase/invalidRequest.ts'
import { joined } from '../purchase/readWhole.ts'

/** A file of a form. */
export interface FormFile {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

export type FormValue = string | FormFile

/** What goes out as multipart/form-data: names with their values, in this order; a name may stand there twice. */
export type Form = readonly (readonly [name: string, value: FormValue])[]

export interface EncodedForm {
  readonly bytes: Uint8Array
  /** With the boundary. */
  readonly contentType: string
}

/** @throws AppError `request_invalid` */
export async function readForm(bytes: Uint8Array, contentType: string): Promise<Form> {
  const parsed = await readMultipart(bytes, contentType)
  if (!parsed) throw invalidRequest('The request body is no multipart/form-data that can be read')
  return Promise.all([...parsed].map(async ([name, value]) => [name, await formValue(value)] as const))
}

const formValue = async (value: string | File): Promise<FormValue> =>
  typeof value === 'string'
    ? value
    : { name: value.name, type: value.type, bytes: new Uint8Array(await value.arrayBuffer()) }

/** The one text of this name; undefined where there is none. @throws AppError `request_invalid` */
export function textField(form: Form, name: string): string | undefined {
  const [value, ...others] = form.filter(([known]) => known === name).map(([, value]) => value)
  if (others.length === 0 && (value === undefined || typeof value === 'string')) return value
  throw invalidRequest(`"${name}" is not one text`)
}

/** The one file of this name. @throws AppError `request_invalid` */
export function fileField(form: Form, name: string): FormFile {
  const [value, ...others] = form.filter(([known]) => known === name).map(([, value]) => value)
  if (others.length === 0 && typeof value === 'object') return value
  throw invalidRequest(`"${name}" is not one file`)
}

/** The same with a text in place of what had its name. */
export const withText = (form: Form, name: string, text: string): Form => [
  [name, text],
  ...form.filter(([known]) => known !== name),
]

/** The same with files named by their field: how somebody calls them is said to nobody. Servers go by their endings. */
export const withoutFileNames = (form: Form): Form =>
  form.map(([name, value]) => [
    name,
    typeof value === 'string' ? value : { ...value, name: `${name.replace(/\W/g, '')}${endingOf(value)}` },
  ])

const endingOf = ({ name }: FormFile): string => /\.[a-z0-9]{1,5}$/i.exec(name)?.[0] ?? ''

/**
 * A form as bytes. The same form gives the same bytes, boundary included, so that a retry can join the running answer.
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export function encodeForm(form: Form): EncodedForm {
  const boundary = `0g-${digestOf(form).slice(2, 42)}`
  const encoder = new TextEncoder()
  const parts = form.flatMap(([name, value]) => [
    encoder.encode(`--${boundary}\r\n${headOf(name, value)}\r\n\r\n`),
    typeof value === 'string' ? encoder.encode(value) : value.bytes,
    encoder.encode('\r\n'),
  ])
  const bytes = joined([...parts, encoder.encode(`--${boundary}--\r\n`)])
  return { bytes, contentType: `multipart/form-data; boundary=${boundary}` }
}

/** No file can hold a boundary that is made of the file's own hash. */
const digestOf = (form: Form): string =>
  sha256Text(
    JSON.stringify(
      form.map(([name, value]) => [
        name,
        typeof value === 'string' ? value : [value.name, sha256(value.bytes)],
      ]),
    ),
  )

function headOf(name: string, value: FormValue): string {
  const head = `Content-Disposition: form-data; name="${quoted(name)}"`
  if (typeof value === 'string') return head
  return `${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${typeOf(value)}`
}

const quoted = (text: string): string => text.replace(/\r\n|\r|\n/g, '%0D%0A').replaceAll('"', '%22')

const typeOf = ({ type }: FormFile): string =>
  /^[\x21-\x7e][\x20-\x7e]*$/.test(type) ? type : 'application/octet-stream'
