/** What was said when, seconds from the start. */
export interface Segment {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The segments of a `verbose_json`; none where it is something else. */
export function segmentsIn(document: string): readonly Segment[] {
  try {
    const { segments } = JSON.parse(document) as { segments?: unknown }
    return Array.isArray(segments) ? segments.filter(isSegment) : []
  } catch {
    return []
  }
}

const isSegment = (value: unknown): value is Segment => {
  const { start, end, text } = (value ?? {}) as Readonly<Record<string, unknown>>
  return isTime(start) && isTime(end) && typeof text === 'string'
}

const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0

/** SubRip. */
export const toSrt = (segments: readonly Segment[]): string =>
  segments
    .map(
      ({ start, end, text }, i) =>
        `${i + 1}\n${timeOf(start, ',')} --> ${timeOf(end, ',')}\n${lineOf(text)}\n`,
    )
    .join('\n')

/** WebVTT. @see https://www.w3.org/TR/webvtt1/#webvtt-cue-timings */
export const toVtt = (segments: readonly Segment[]): string =>
  [
    'WEBVTT\n',
    ...segments.map(
      ({ start, end, text }) => `${timeOf(start, '.')} --> ${timeOf(end, '.')}\n${lineOf(text)}\n`,
    ),
  ].join('\n')

/** A blank line would end the cue, and an arrow begin another. */
const lineOf = (text: string): string =>
  text
    .trim()
    .replace(/\s*\n\s*/g, '\n')
    .replaceAll('-->', '→')

function timeOf(seconds: number, point: ',' | '.'): string {
  const ms = Math.round(seconds * 1000)
  const [hours, minutes, whole] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map((part) =>
    String(Math.floor(part)).padStart(2, '0'),
  )
  return `${hours}:${minutes}:${whole}${point}${String(ms % 1000).padStart(3, '0')}`
}
