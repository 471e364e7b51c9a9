import { sha256Text } from '../protocol/canonical.ts'

/** sha256 of an app's compose file as 64 hex digits: what dstack measures. */
export const composeHash = (appCompose: string): string => sha256Text(appCompose).slice(2)

export interface ComposeImages {
  /** Images that name their content: `…@sha256:…`. */
  readonly pinned: readonly string[]
  /** What may be other code tomorrow: images by tag, and what is built at the start. */
  readonly mutable: readonly string[]
}

const IMAGE = /(?:^|[\s{,"'])image["']?\s*:\s*(?:["']?)([^\s"',}#]+)/gm
const BUILD = /(?:^|[\s{,"'])(build|extends|include)["']?\s*:/gm
/** Keys that a reader of lines would miss: explicit ones, and such with escapes. */
const UNREADABLE = /^\s*\?\s|"[^"\n]*\\[^"\n]*"\s*:/m
const PINNED = /@sha256:[0-9a-f]{64}$/

/**
 * The images that a compose file names. Not a YAML parser: it looks for the words wherever they stand, so it may
 * find too much, and says so where it could find too little.
 * @returns null when the file is not the JSON that dstack measures
 */
export function imagesOf(appCompose: string): ComposeImages | null {
  const file = composeFileOf(appCompose)
  if (file === null) return null
  const named = [...new Set([...file.matchAll(IMAGE)].map(([, image]) => image!))]
  const built = [...new Set([...file.matchAll(BUILD)].map(([, word]) => `(${word})`))]
  const hidden = UNREADABLE.test(file) ? ['(keys that are not plain)'] : []
  return {
    pinned: named.filter((image) => PINNED.test(image)),
    mutable: [...named.filter((image) => !PINNED.test(image)), ...built, ...hidden],
  }
}

function composeFileOf(appCompose: string): string | null {
  try {
    const value = JSON.parse(appCompose) as { docker_compose_file?: unknown } | null
    const file = value?.docker_compose_file
    return file === undefined ? '' : typeof file === 'string' ? file : null
  } catch {
    return null
  }
}
