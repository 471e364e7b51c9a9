import { AppError, EXIT } from '../../base/errors.ts'

const FIELDS = ['messages', 'instruction', 'input', 'output', 'text', 'system']
/** One of these makes a table a dataset. */
const FORMATS = ['messages', 'instruction', 'text']

/**
 * From a field to its column: as the user says, or columns with the fields' own names.
 * @throws AppError `dataset_column_missing`
 */
export function columnsOf(
  wanted: Readonly<Record<string, string>> | undefined,
  present: readonly string[],
): ReadonlyMap<string, string> {
  const mapped = Object.entries(wanted ?? {})
  for (const [field, column] of mapped)
    if (!present.includes(column) || !FIELDS.includes(field)) throw missing(`${field}=${column}`, present)
  if (mapped.length > 0) return new Map(mapped)
  const named = FIELDS.filter((field) => present.includes(field))
  if (!named.some((field) => FORMATS.includes(field))) throw missing(FORMATS.join(', '), present)
  return new Map(named.map((field) => [field, field]))
}

const missing = (what: string, present: readonly string[]) =>
  new AppError({
    code: 'dataset_column_missing',
    message: `The dataset has no column for ${what}`,
    hint: `Its columns are: ${present.join(', ')}. Map fields to them with --columns.`,
    next: '0g-compute dataset validate FILE --columns instruction=question,output=answer',
    exitCode: EXIT.usage,
    status: 400,
  })
