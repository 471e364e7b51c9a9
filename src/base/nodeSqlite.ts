type NodeSqlite = typeof import('node:sqlite')

/**
 * Node's own SQLite. Older releases print that it is experimental; users need not read that, and
 * every other warning stays.
 */
export const sqlite: NodeSqlite = withoutItsWarning(() => process.getBuiltinModule('node:sqlite'))

function withoutItsWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning
  process.emitWarning = ((warning: string | Error, ...rest: [string?]) => {
    const text = warning instanceof Error ? warning.message : warning
    if (!text.includes('SQLite is an experimental feature')) emitWarning(warning, ...rest)
  }) as typeof process.emitWarning
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
