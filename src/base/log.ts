export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Fields of a log line. Only figures, ids, addresses and codes: never contents, keys or tokens. */
export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>

export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** A logger that writes one JSON object a line. */
export function jsonLogger(write: (line: string) => void, level: LogLevel = 'info'): Logger {
  const threshold = ORDER.indexOf(level)
  const at = (name: LogLevel) => {
    if (ORDER.indexOf(name) < threshold) return () => {}
    return (event: string, fields: LogFields = {}) => {
      const line = { time: new Date().toISOString(), level: name, event, ...fields }
      write(
        `${JSON.stringify(line, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))}\n`,
      )
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export const silentLogger: Logger = jsonLogger(() => {}, 'error')
