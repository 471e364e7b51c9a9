/**
 * The first thing that an earlier list of capabilities had and a later one lacks, as a path, or null. A number that
 * fell, an entry that is gone and a word that changed have vanished; what was added has not.
 */
export function vanished(earlier: unknown, later: unknown, path = ''): string | null {
  if (Array.isArray(earlier)) {
    const lost = earlier.find(
      (item) => !Array.isArray(later) || !later.some((other) => vanished(item, other) === null),
    )
    return lost === undefined ? null : `${path || 'list'}: ${JSON.stringify(lost)}`
  }
  if (typeof earlier === 'object' && earlier !== null) {
    if (typeof later !== 'object' || later === null || Array.isArray(later)) return path || 'list'
    for (const [name, value] of Object.entries(earlier)) {
      if (!Object.hasOwn(later, name)) return path ? `${path}.${name}` : name
      const lost = vanished(value, (later as Record<string, unknown>)[name], path ? `${path}.${name}` : name)
      if (lost !== null) return lost
    }
    return null
  }
  if (typeof earlier === 'number')
    return typeof later === 'number' && later >= earlier ? null : path || 'list'
  return earlier === later || earlier === false || earlier === null ? null : path || 'list'
}
