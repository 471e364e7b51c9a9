import { AppError, EXIT } from '../../base/errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/** Reads a time such as `90m` or `30d`. @returns ms @throws AppError `duration_invalid` */
export function parseDuration(text: string): number {
  const match = /^(\d{1,6})([smhdw])$/.exec(text.trim())
  const ms = match ? Number(match[1]) * UNITS[match[2]!]! : 0
  if (ms > 0) return ms
  throw new AppError({
    code: 'duration_invalid',
    message: `"${text}" is not a time`,
    hint: 'A number with s, m, h, d or w, for example 30d',
    exitCode: EXIT.usage,
  })
}
